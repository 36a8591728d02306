//! CQRS202: a handler has one result
//!
//! The fault: `Result<Shipped, String>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Result<Shipped, String>, Refused> {
    Ok(Ok(Shipped { order: cmd.order }))
}

fn main() {}

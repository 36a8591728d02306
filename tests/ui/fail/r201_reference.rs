//! CQRS201: a command is taken by value
//!
//! The fault: `&Ship`

include!("../shop.rs");

#[command]
fn ship(cmd: &Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

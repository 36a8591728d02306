//! CQRS208: a handler says what it takes
//!
//! The fault: `impl AsRef<Order>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: impl AsRef<Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

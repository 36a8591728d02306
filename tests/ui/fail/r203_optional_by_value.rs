//! CQRS203: an aggregate that may be there is lent
//!
//! The fault: `Option<Order>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: Option<Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

//! CQRS209: aggregates are loaded by their own ids
//!
//! The fault: `[cmd.customer]`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, #[id([cmd.customer])] _orders: Many<Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

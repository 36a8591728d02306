//! CQRS210: many aggregates are loaded by ids
//!
//! The fault: `Many<Order>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _orders: Many<Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

//! CQRS203: an absence is taken by value
//!
//! The fault: `&Absent<Order>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &Absent<Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

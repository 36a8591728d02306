//! CQRS201: the command comes first
//!
//! The fault: `Absent<Order>`

include!("../shop.rs");

#[command]
fn ship(_order: Absent<Order>, cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

//! CQRS209: an aggregate is loaded by its own id
//!
//! The fault: `_customer`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _customer: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

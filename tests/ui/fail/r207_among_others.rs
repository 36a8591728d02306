//! CQRS207: what a policy sends is handled
//!
//! The fault: `Ship`

include!("../shop.rs");

pub fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created) -> (Vec<Ship>, Option<Ship>) {
    (vec![Ship { order: e.order, customer: e.customer }], None)
}

fn main() {}

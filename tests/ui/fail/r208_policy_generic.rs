//! CQRS208: a policy is a plain function
//!
//! The fault: `T: Event`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer<T: Event>(e: &Created) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

fn main() {}

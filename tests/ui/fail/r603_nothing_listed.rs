//! CQRS603: a policy listens to something
//!
//! The fault: `answer`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [])]
fn answer(e: &Created) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

fn main() {}

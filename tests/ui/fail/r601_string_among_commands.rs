//! CQRS601: a policy returns commands
//!
//! The fault: `(Ship, String)`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created) -> (Ship, String) {
    (Ship { order: e.order, customer: e.customer }, String::new())
}

fn main() {}

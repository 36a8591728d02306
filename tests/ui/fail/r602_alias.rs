//! CQRS602: a policy returns its commands
//!
//! The fault: `Bus`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

type Bus = CommandBus;

#[policy(on = [Created])]
fn answer(e: &Created, _bus: Bus) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

fn main() {}

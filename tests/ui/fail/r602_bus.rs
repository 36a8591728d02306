//! CQRS602: a policy returns its commands
//!
//! The fault: `CommandBus`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created, _bus: CommandBus) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

fn main() {}

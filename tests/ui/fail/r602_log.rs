//! CQRS602: a policy returns its commands
//!
//! The fault: `&dyn cqrs_runtime::EventLog`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created, _log: &dyn cqrs_runtime::EventLog) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

fn main() {}

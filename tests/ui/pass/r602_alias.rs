//! CQRS602: a policy returns its commands: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

type Bus = State<u8>;

#[policy(on = [Created])]
fn answer(e: &Created, _bus: Bus) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

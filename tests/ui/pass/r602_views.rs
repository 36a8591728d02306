//! CQRS602: a policy returns its commands: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
async fn answer(e: &Created, _rows: Views<Summary>) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

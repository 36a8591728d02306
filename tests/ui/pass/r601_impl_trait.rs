//! CQRS601: the commands are in the signature: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

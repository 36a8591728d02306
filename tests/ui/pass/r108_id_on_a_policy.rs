//! CQRS108: a policy loads nothing: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn ships_at_once(e: &Created) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

//! CQRS601: a policy returns commands by their types: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn ships_at_once(e: &Created) -> Vec<Ship> {
    vec![Ship { order: e.order, customer: e.customer }]
}

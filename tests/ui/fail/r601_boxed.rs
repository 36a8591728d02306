//! CQRS601: a policy returns commands by their types
//!
//! The fault: `dyn Command`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn ships_at_once(e: &Created) -> Vec<Box<dyn Command>> {
    vec![Box::new(Ship { order: e.order, customer: e.customer })]
}

fn main() {}

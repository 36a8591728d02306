//! CQRS601: a policy returns commands
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created) -> Shipped {
    Shipped { order: e.order }
}

fn main() {}

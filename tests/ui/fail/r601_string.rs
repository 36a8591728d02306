//! CQRS601: a policy returns commands
//!
//! The fault: `String`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created) -> String {
    e.order.to_string()
}

fn main() {}

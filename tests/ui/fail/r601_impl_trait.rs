//! CQRS601: the commands are in the signature
//!
//! The fault: `impl Command`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created) -> impl Command {
    Ship { order: e.order, customer: e.customer }
}

fn main() {}

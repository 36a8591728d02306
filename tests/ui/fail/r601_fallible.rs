//! CQRS601: only what acts outside may fail
//!
//! The fault: `Result<Ship, Refused>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created) -> Result<Ship, Refused> {
    Ok(Ship { order: e.order, customer: e.customer })
}

fn main() {}

//! CQRS601: a policy returns commands: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
async fn answer(e: &Created) -> Result<Ship, Refused> {
    Ok(Ship { order: e.order, customer: e.customer })
}

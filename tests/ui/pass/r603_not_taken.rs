//! CQRS603: what is listed is taken: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

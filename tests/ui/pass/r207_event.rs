//! CQRS207: an event is emitted by a handler, and not sent: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub async fn send(app: &App, order: OrderId, customer: CustomerId) {
    let _ = app.commands().execute(Ship { order, customer }).await;
}

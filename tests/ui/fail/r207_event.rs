//! CQRS207: an event is emitted by a handler, and not sent
//!
//! The fault: `Shipped { order }`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub async fn send(app: &App, order: OrderId, customer: CustomerId) {
    let _ = (customer, app.commands().execute(Shipped { order }).await);
}

fn main() {}

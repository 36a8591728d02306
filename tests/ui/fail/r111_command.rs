//! CQRS111: a command travels as JSON, and is read from it
//!
//! The fault: `Pay`

include!("../shop.rs");

#[derive(Command, Serialize)]
#[cqrs(error = Refused)]
pub struct Pay {
    pub order: OrderId,
}

#[command]
fn pay(cmd: Pay, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub async fn pays(bus: &CommandBus, order: OrderId) {
    let _ = bus.execute(Pay { order }).await;
}

fn main() {}

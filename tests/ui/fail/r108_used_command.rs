//! CQRS108: a command with a fault is one error, wherever it is used
//!
//! The fault: `eror`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId, eror = Refused)]
pub struct Open {
    pub order: OrderId,
}

#[command]
fn open(cmd: Open, _order: Absent<Order>) -> Result<Decision<Shipped, OrderId>, Refused> {
    Ok(emit(Shipped { order: cmd.order }).returning(cmd.order))
}

pub async fn uses(app: &App, order: OrderId) -> Option<OrderId> {
    match app.commands().execute(Open { order }).await {
        Ok(receipt) => Some(*receipt.returned()),
        Err(error) => error.rejection().map(|Refused| order),
    }
}

fn main() {}

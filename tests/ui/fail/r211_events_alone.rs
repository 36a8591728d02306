//! CQRS211: a handler returns what its command declares
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId, error = Refused)]
pub struct Open {
    pub order: OrderId,
}

#[command]
fn open(cmd: Open) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

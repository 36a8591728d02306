//! CQRS114: a command is not reached by `GET`
//!
//! The fault: `"GET /orders/{order}/cancel"`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(http = "GET /orders/{order}/cancel")]
pub struct Cancel {
    pub order: OrderId,
    pub reason: String,
}

#[command]
fn cancel(cmd: Cancel, _order: &Order) -> Result<Shipped, std::convert::Infallible> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

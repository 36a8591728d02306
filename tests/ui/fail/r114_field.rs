//! CQRS114: a path names fields of its message
//!
//! The fault: `"POST /orders/{id}/cancel"`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(http = "POST /orders/{id}/cancel")]
pub struct Cancel {
    pub order: OrderId,
    pub reason: String,
}

#[command]
fn cancel(cmd: Cancel, _order: &Order) -> Result<Shipped, std::convert::Infallible> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

//! CQRS114: a route is a method and a path
//!
//! The fault: `"/orders/{order}/cancel"`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(http = "/orders/{order}/cancel")]
pub struct Cancel {
    pub order: OrderId,
    pub reason: String,
}

#[command]
fn cancel(cmd: Cancel, _order: &Order) -> Result<Shipped, std::convert::Infallible> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

//! CQRS114: a field is alone between `/`: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(http = "POST /orders/{order}/cancel")]
pub struct Cancel {
    pub order: OrderId,
    pub reason: String,
}

#[command]
fn cancel(cmd: Cancel, _order: &Order) -> Result<Shipped, std::convert::Infallible> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

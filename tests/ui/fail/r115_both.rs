//! CQRS115: who may send a message is one thing or the other
//!
//! The fault: `public`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(public, requires = "orders:write")]
pub struct Cancel {
    pub order: OrderId,
}

#[command]
fn cancel(cmd: Cancel, _order: &Order) -> Result<Shipped, std::convert::Infallible> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

//! CQRS115: who may send a message is one thing or the other: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(requires = "orders:write")]
pub struct Cancel {
    pub order: OrderId,
}

#[command]
fn cancel(cmd: Cancel, _order: &Order) -> Result<Shipped, std::convert::Infallible> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

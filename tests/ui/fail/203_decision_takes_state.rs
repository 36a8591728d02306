//! CQRS203

use cqrs_runtime::prelude::*;
use std::convert::Infallible;

#[derive(Id)]
pub struct OrderId(Uuid);
#[derive(Id)]
pub struct CustomerId(Uuid);
#[derive(Event, Serialize, Deserialize)]
pub struct Created {
    #[tag]
    pub order: OrderId,
}
#[derive(Event, Serialize, Deserialize)]
pub struct Shipped {
    #[tag]
    pub order: OrderId,
}
#[derive(View, Serialize, Deserialize)]
pub struct Summary {
    #[key]
    pub order: OrderId,
    pub total: i64,
}
#[derive(Command, Serialize, Deserialize)]
pub struct Ship {
    pub order: OrderId,
    pub customer: CustomerId,
}
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u32)]
pub struct Count {}
pub struct Order;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Order {
    fn created(_: &Created) -> Self {
        Order
    }
    fn shipped(&mut self, _: &Shipped) {}
}

#[command]
fn ship(cmd: Ship, _order: &Order, _service: State<u8>) -> Result<Shipped, Infallible> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}

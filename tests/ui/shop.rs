// The small shop that the cases are about.

use cqrs_runtime::prelude::*;

#[derive(Id)]
pub struct OrderId(Uuid);

#[derive(Id)]
pub struct CustomerId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Created {
    #[tag]
    pub order: OrderId,
    pub customer: CustomerId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct Shipped {
    #[tag]
    pub order: OrderId,
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct Ship {
    pub order: OrderId,
    pub customer: CustomerId,
}

#[derive(Debug)]
pub struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

pub struct Order;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Order {
    fn created(_: &Created) -> Self {
        Order
    }
    fn shipped(&mut self, _: &Shipped) {}
}

#[derive(View, Serialize, Deserialize)]
pub struct Summary {
    #[key]
    pub order: OrderId,
    #[index]
    pub customer: CustomerId,
    pub total: i64,
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u64)]
pub struct Count {}

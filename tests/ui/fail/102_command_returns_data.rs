//! CQRS102

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

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = String)]
pub struct Ask {}

fn main() {}

//! CQRS305: a query states no facts
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<(OrderId, Shipped)>)]
pub struct All {}

fn main() {}

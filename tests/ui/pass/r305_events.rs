//! CQRS305: a query states no facts: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<(OrderId, Summary)>)]
pub struct All {}

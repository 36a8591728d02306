//! CQRS305: a query states no fact: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Summary)]
pub struct Last {}

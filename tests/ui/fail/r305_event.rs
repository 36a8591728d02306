//! CQRS305: a query states no fact
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Shipped)]
pub struct Last {}

fn main() {}

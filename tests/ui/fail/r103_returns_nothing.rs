//! CQRS103: a query returns something
//!
//! The fault: `()`

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = ())]
pub struct IsOpen {}

fn main() {}

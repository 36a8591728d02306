//! CQRS101: a message is a command or a query, not both
//!
//! The fault: `Query`

include!("../shop.rs");

#[derive(Command, Query, Serialize, Deserialize)]
#[cqrs(returns = OrderId)]
pub struct Both {}

fn main() {}

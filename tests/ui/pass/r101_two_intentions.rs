//! CQRS101: a message is a command or a query, not both: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId)]
pub struct Both {}

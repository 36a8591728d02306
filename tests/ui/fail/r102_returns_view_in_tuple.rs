//! CQRS102: a command returns no data, nor a tuple that holds some
//!
//! The fault: `(OrderId, Summary)`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = (OrderId, Summary))]
pub struct Open {}

fn main() {}

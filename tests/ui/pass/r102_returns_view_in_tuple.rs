//! CQRS102: a command returns no data, nor a tuple that holds some: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = (OrderId, CustomerId))]
pub struct Open {}

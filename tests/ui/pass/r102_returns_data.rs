//! CQRS102: a command returns no data: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId)]
pub struct Open {}

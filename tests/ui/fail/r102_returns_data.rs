//! CQRS102: a command returns no data
//!
//! The fault: `String`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = String)]
pub struct Open {}

fn main() {}

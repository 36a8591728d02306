//! CQRS103: a query returns something, under any name: what to write instead.

include!("../shop.rs");

pub type Answer = bool;

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Answer)]
pub struct IsOpen {}

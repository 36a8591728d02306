//! CQRS103: a query returns something, under any name
//!
//! The fault: `Answer`

include!("../shop.rs");

pub type Answer = ();

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Answer)]
pub struct IsOpen {}

fn main() {}

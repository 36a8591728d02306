//! CQRS103: a query returns something: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = bool)]
pub struct IsOpen {}

//! CQRS103: a query declares what it returns: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = bool)]
pub struct IsOpen {}

//! CQRS103: a query declares what it returns
//!
//! The fault: `IsOpen`

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]

pub struct IsOpen {}

fn main() {}

//! CQRS108: an option stands where it means something: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u32)]
pub struct Open {}

//! CQRS108: an option is only where it means something: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u32)]
pub struct Open {}

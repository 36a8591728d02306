//! CQRS108: an option is only where it means something
//!
//! The fault: `returns`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
#[cqrs(returns = u32)]
pub struct Open {}

fn main() {}

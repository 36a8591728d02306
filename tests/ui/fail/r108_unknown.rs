//! CQRS108: an option that there is
//!
//! The fault: `priority`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(priority = "open")]
pub struct Open {}

fn main() {}

//! CQRS108: an option has a value of its kind
//!
//! The fault: `open`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(name = open)]
pub struct Open {}

fn main() {}

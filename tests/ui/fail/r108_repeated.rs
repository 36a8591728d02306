//! CQRS108: an option is given once
//!
//! The fault: `error`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused, error = Refused)]
pub struct Open {}

fn main() {}

//! CQRS109: an error is an `Error`
//!
//! The fault: `String`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = String)]
pub struct Open {}

fn main() {}

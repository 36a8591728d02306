//! CQRS108: an option is written as it is called
//!
//! The fault: `eror`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(eror = Refused)]
pub struct Open {}

fn main() {}

//! CQRS108: an option is written as it is called: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct Open {}

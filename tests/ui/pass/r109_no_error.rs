//! CQRS109: an error is an `Error`: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct Open {}

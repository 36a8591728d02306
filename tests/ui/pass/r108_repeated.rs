//! CQRS108: an option is given once: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct Open {}

//! CQRS108: an option has a value of its kind: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(name = "open")]
pub struct Open {}

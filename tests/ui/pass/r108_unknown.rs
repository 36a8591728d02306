//! CQRS108: an option that there is: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(name = "open")]
pub struct Open {}

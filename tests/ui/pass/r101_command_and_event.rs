//! CQRS101: a message is a command or an event, not both: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
pub struct Both {}

//! CQRS101: a message is a command or an event, not both
//!
//! The fault: `Both`

include!("../shop.rs");

#[derive(Command, Event, Serialize, Deserialize)]
pub struct Both {}

fn main() {}

//! CQRS105: an event is one fact, a struct: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Either {}

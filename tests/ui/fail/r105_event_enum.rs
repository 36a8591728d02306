//! CQRS105: an event is one fact, a struct
//!
//! The fault: `Either`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub enum Either {
    This,
    That,
}

fn main() {}

//! CQRS108: an event is found by its tags
//!
//! The fault: `key`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[key]
    pub order: OrderId,
}

fn main() {}

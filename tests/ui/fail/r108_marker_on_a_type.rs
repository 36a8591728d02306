//! CQRS108: a marker belongs on the field that it is about
//!
//! The fault: `tag`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
#[tag] pub struct Opened {
    pub order: OrderId,
}

fn main() {}

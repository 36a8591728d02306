//! CQRS108: a marker takes no arguments
//!
//! The fault: `tag(order)`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[tag(order)]
    pub order: OrderId,
}

fn main() {}

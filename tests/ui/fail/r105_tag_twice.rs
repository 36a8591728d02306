//! CQRS105: a field is one tag
//!
//! The fault: `tag`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[tag]
    #[tag]
    pub order: OrderId,
}

fn main() {}

//! CQRS108: a marker takes no arguments: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[tag]
    pub order: OrderId,
}

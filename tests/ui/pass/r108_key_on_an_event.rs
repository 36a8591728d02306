//! CQRS108: an event is found by its tags: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[tag]
    pub order: OrderId,
}

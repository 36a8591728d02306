//! CQRS108: a marker belongs on the field that it is about: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[tag]
    pub order: OrderId,
}

//! CQRS105: a field is one tag: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[tag]
    pub order: OrderId,
}

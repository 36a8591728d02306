//! CQRS108: options belong above a type, markers on its fields: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[tag]
    pub order: OrderId,
}

//! CQRS110: an event is stored whole: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Parcel {
    #[tag]
    pub order: OrderId,
    #[serde(default)]
    pub carrier: String,
}

//! CQRS110: an event is stored whole: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Parcel {
    #[tag]
    pub order: OrderId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
}

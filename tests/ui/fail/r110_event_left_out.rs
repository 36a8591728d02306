//! CQRS110: an event is stored whole
//!
//! The fault: `skip_serializing_if`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Parcel {
    #[tag]
    pub order: OrderId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
}

fn main() {}

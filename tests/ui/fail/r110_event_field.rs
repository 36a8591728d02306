//! CQRS110: an event is stored whole
//!
//! The fault: `skip_serializing`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Parcel {
    #[tag]
    pub order: OrderId,
    #[serde(default, skip_serializing)]
    pub carrier: String,
}

fn main() {}

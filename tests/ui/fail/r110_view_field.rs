//! CQRS110: a view is stored whole
//!
//! The fault: `skip`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[serde(default, skip)]
    pub carrier: String,
}

fn main() {}

//! CQRS110: a view is stored whole: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[serde(default)]
    pub carrier: String,
}

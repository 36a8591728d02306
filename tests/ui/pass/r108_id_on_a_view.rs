//! CQRS108: the row of a view is found by its key: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
}

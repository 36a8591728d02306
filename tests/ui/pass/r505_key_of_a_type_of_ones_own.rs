//! CQRS505: a key finds a row: what to write instead.

include!("../shop.rs");

#[derive(Id)]
pub struct OrderName(String);

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderName,
}

//! CQRS505: a key finds a row
//!
//! The fault: `OrderName`

include!("../shop.rs");

#[derive(Serialize, Deserialize)]
pub struct OrderName(pub String);

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderName,
}

fn main() {}

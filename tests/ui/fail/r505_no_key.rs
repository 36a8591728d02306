//! CQRS505: a view has a key
//!
//! The fault: `Parcel`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    pub order: OrderId,
}

fn main() {}

//! CQRS505: one key is enough
//!
//! The fault: `key`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    #[key]
    pub order: OrderId,
}

fn main() {}

//! CQRS505: a view has one key
//!
//! The fault: `key`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[key]
    pub customer: CustomerId,
}

fn main() {}

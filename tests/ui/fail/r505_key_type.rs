//! CQRS505: a key can be a column
//!
//! The fault: `Vec<OrderId>`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: Vec<OrderId>,
}

fn main() {}

//! CQRS108: the row of a view is found by its key
//!
//! The fault: `id`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[id]
    pub order: OrderId,
}

fn main() {}

//! CQRS506: an index is a column
//!
//! The fault: `(u32, u32)`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    pub size: (u32, u32),
}

fn main() {}

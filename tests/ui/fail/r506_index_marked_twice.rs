//! CQRS506: one index is enough
//!
//! The fault: `index`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    #[index]
    pub weight: u32,
}

fn main() {}

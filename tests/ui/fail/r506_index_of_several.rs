//! CQRS506: each of several values is a column
//!
//! The fault: `(u32, u32)`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    pub sizes: std::collections::BTreeSet<(u32, u32)>,
}

fn main() {}

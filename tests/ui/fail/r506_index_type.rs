//! CQRS506: an index is a column
//!
//! The fault: `Vec<String>`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    pub lines: Vec<String>,
}

fn main() {}

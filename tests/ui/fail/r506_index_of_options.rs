//! CQRS506: a row is found by values that it has
//!
//! The fault: `Option<String>`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    pub lines: Vec<Option<String>>,
}

fn main() {}

//! CQRS505: a view has named fields
//!
//! The fault: `Parcel`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel(#[key] OrderId);

fn main() {}

//! CQRS106: an identifier is a newtype
//!
//! The fault: `ParcelId`

include!("../shop.rs");

#[derive(Id)]
pub struct ParcelId(u32, u32);

fn main() {}

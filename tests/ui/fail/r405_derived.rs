//! CQRS405: an aggregate is the `impl` of its fold methods
//!
//! The fault: `Aggregate`

include!("../shop.rs");

#[derive(Aggregate)]
pub struct Parcel;

fn main() {}

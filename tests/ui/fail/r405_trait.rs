//! CQRS405: a fold is of a plain type
//!
//! The fault: `Makes`

include!("../shop.rs");

pub trait Makes {
    fn created(_: &Created) -> Self;
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Makes for Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

fn main() {}

//! CQRS108: an aggregate says what it is folded from
//!
//! The fault: `Parcel`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId)]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

fn main() {}

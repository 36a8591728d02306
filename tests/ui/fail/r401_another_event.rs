//! CQRS401: the method of a listed event takes another
//!
//! The fault: `Shipped`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Shipped) -> Self {
        Parcel
    }
}

fn main() {}

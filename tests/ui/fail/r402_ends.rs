//! CQRS402: an aggregate does not end
//!
//! The fault: `shipped`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(self, _: &Shipped) -> Option<Self> {
        None
    }
}

fn main() {}

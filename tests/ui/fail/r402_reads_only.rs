//! CQRS402: a fold makes or changes
//!
//! The fault: `shipped`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&self, _: &Shipped) {}
}

fn main() {}

//! CQRS402: a fold answers nothing
//!
//! The fault: `shipped`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) -> bool {
        true
    }
}

fn main() {}

//! CQRS403: an aggregate begins
//!
//! The fault: `Parcel`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Shipped])]
impl Parcel {
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

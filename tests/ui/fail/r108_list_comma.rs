//! CQRS108: a list has commas
//!
//! The fault: `Shipped`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

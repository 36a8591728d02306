//! CQRS401: one method an event
//!
//! The fault: `Shipped`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
    fn sent(&mut self, _: &Shipped) {}
}

fn main() {}

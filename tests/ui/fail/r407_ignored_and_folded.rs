//! CQRS407: an event is folded or ignored
//!
//! The fault: `Shipped`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped], ignore = [Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

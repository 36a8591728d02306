//! CQRS401: the list names the events that the methods take
//!
//! The fault: `Parcels::Opened`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Parcels::Opened, Parcels::Gone])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

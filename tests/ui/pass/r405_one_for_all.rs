//! CQRS405: each event has its own method: what to write instead.

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

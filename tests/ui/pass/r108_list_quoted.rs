//! CQRS108: events are listed by their types: what to write instead.

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

//! CQRS407: an event is folded or ignored, under any name: what to write instead.

include!("../shop.rs");

pub mod old {
    #[allow(unused_imports)]
    pub use super::Shipped as Sent;
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

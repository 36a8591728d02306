//! CQRS407: an event is folded or ignored, under any name
//!
//! The fault: `Sent`

include!("../shop.rs");

pub mod old {
    #[allow(unused_imports)]
    pub use super::Shipped as Sent;
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped], ignore = [old::Sent])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

//! CQRS108: options have names
//!
//! The fault: `[Created, Shipped]`

include!("../shop.rs");

pub struct Parcel;

#[aggregate([Created, Shipped], id = OrderId)]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

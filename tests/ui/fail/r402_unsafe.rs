//! CQRS402: a fold is a plain method
//!
//! The fault: `unsafe`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    unsafe fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

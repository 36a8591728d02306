//! CQRS402: a fold is a plain method
//!
//! The fault: `T`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped<T>(&mut self, _: &Shipped) {}
}

fn main() {}

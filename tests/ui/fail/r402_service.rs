//! CQRS402: a fold takes its event, and its own id
//!
//! The fault: `State<u8>`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped, _: State<u8>) {}
}

fn main() {}

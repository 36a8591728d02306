//! CQRS402: a fold waits for nothing
//!
//! The fault: `async`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    async fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

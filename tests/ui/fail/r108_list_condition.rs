//! CQRS108: a condition belongs on the method
//!
//! The fault: `#[cfg(all())]`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, #[cfg(all())] Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

//! CQRS108: a list holds events
//!
//! The fault: `7`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, 7])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

fn main() {}

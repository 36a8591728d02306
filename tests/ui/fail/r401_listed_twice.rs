//! CQRS401: an event is listed once
//!
//! The fault: `Created`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

fn main() {}

//! CQRS402: the event comes first
//!
//! The fault: `&Created`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_order: u8, _event: &Created) -> Self {
        Parcel
    }
}

fn main() {}

//! CQRS108: an aggregate is found by the tags of its events
//!
//! The fault: `e.order`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    #[key(e.order)]
    fn created(_: &Created) -> Self {
        Parcel
    }
}

fn main() {}

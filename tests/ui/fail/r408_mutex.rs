//! CQRS408: an aggregate changes by events only
//!
//! The fault: `Parcel`

include!("../shop.rs");

pub struct Parcel {
    weighed: std::sync::Mutex<u32>,
}

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { weighed: Default::default() }
    }
}

fn main() {}

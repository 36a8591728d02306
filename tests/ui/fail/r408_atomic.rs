//! CQRS408: an aggregate changes by events only, or says so
//!
//! The fault: `Parcel`

include!("../shop.rs");

pub struct Parcel {
    weighed: Option<std::sync::atomic::AtomicU32>,
}

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { weighed: Default::default() }
    }
}

fn main() {}

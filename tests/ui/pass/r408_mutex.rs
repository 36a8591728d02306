//! CQRS408: an aggregate changes by events only: what to write instead.

include!("../shop.rs");

pub struct Parcel {
    weighed: u32,
}

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { weighed: Default::default() }
    }
}

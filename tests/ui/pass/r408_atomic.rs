//! CQRS408: an aggregate changes by events only, or says so: what to write instead.

include!("../shop.rs");

pub struct Parcel {
    weighed: Option<std::sync::atomic::AtomicU32>,
}

#[aggregate(id = OrderId, on = [Created], interior_mutability)]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { weighed: Default::default() }
    }
}

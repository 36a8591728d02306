//! CQRS203: a state that changes behind a shared reference is not shared between threads: what to write instead.

include!("../shop.rs");

pub struct Parcel {
    pub weight: u32,
}

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { weight: Default::default() }
    }
}

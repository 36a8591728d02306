//! CQRS203: a state that changes behind a shared reference is not shared between threads
//!
//! The fault: `Parcel`

include!("../shop.rs");

pub struct Parcel {
    pub weight: std::cell::Cell<u32>,
}

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { weight: Default::default() }
    }
}

fn main() {}

//! CQRS505: a projection makes a view
//!
//! The fault: `Parcel`

include!("../shop.rs");

pub struct Parcel {
    pub order: OrderId,
}

#[projection(on = [Created])]
impl Parcel {
    fn created(e: &Created) -> Self {
        Parcel { order: e.order }
    }
}

fn main() {}

//! CQRS405: an aggregate is the `impl` of its fold methods: what to write instead.

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

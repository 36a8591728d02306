//! CQRS405: the `impl` has fold methods only: what to write instead.

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

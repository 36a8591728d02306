//! CQRS405: fold methods are in an `impl`: what to write instead.

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

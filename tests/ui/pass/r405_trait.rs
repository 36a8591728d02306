//! CQRS405: a fold is of a plain type: what to write instead.

include!("../shop.rs");

pub trait Makes {
    fn created(_: &Created) -> Self;
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

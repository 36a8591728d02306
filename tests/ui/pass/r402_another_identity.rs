//! CQRS402: a fold knows its own identity alone: what to write instead.

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created, _order: &OrderId) -> Self {
        Parcel
    }
}

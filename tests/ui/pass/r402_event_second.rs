//! CQRS402: the event comes first: what to write instead.

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_event: &Created, _order: &OrderId) -> Self {
        Parcel
    }
}

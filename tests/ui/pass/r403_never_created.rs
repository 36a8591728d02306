//! CQRS403: an aggregate begins: what to write instead.

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Shipped])]
impl Parcel {
    fn shipped(_: &Shipped) -> Self {
        Parcel
    }
}

//! CQRS401: an event is ignored once: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Returned {
    #[tag]
    pub order: OrderId,
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped], ignore = [Returned])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

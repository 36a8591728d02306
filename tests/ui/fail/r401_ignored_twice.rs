//! CQRS401: an event is ignored once
//!
//! The fault: `Returned`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Returned {
    #[tag]
    pub order: OrderId,
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped], ignore = [Returned, Returned])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

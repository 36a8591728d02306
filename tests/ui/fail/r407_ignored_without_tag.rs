//! CQRS407: an event that is ignored could be met
//!
//! The fault: `Greeted`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Greeted {
    pub order: OrderId,
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped], ignore = [Greeted])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

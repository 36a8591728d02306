//! CQRS404: a method of an event with two ids says whose it is
//!
//! The fault: `Merged`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Merged {
    #[tag]
    pub from: OrderId,
    #[tag]
    pub to: OrderId,
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Merged])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn merged(&mut self, _: &Merged) {}
}

fn main() {}

//! CQRS105: a fold is over events
//!
//! The fault: `Summary`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Summary])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn other(&mut self, _: &Summary) {}
}

fn main() {}

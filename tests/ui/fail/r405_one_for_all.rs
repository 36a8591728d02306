//! CQRS405: each event has its own method
//!
//! The fault: `apply`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn apply(&mut self, _event: Both) {}
}

pub enum Both {}

fn main() {}

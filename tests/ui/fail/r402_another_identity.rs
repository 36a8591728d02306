//! CQRS402: a fold knows its own identity alone
//!
//! The fault: `CustomerId`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created, _customer: &CustomerId) -> Self {
        Parcel
    }
}

fn main() {}

//! CQRS405: fold methods are in an `impl`
//!
//! The fault: `#[aggregate(id = OrderId, on = [Created])]`

include!("../shop.rs");

#[aggregate(id = OrderId, on = [Created])] pub struct Parcel;

impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

fn main() {}

//! CQRS405: the `impl` has fold methods only
//!
//! The fault: `const HEAVY: u32 = 7;`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    const HEAVY: u32 = 7;
}

fn main() {}

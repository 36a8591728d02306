//! CQRS108: options belong inside their macro
//!
//! The fault: `cqrs`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    #[cqrs(snapshots)]
    fn created(_: &Created) -> Self {
        Parcel
    }
}

fn main() {}

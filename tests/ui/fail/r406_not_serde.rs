//! CQRS406: a snapshot goes through serde, out and in
//!
//! The fault: `Parcel`

include!("../shop.rs");

pub struct Parcel {
    pub pieces: u32,
}

#[aggregate(id = OrderId, on = [Created], snapshots)]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { pieces: 0 }
    }
}

fn main() {}

//! CQRS406: a snapshot that cannot be read back is none
//!
//! The fault: `Parcel`

include!("../shop.rs");

#[derive(Serialize)]
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

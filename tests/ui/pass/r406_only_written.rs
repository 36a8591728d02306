//! CQRS406: a snapshot that cannot be read back is none: what to write instead.

include!("../shop.rs");

#[derive(Serialize, Deserialize)]
pub struct Parcel {
    pub pieces: u32,
}

#[aggregate(id = OrderId, on = [Created], snapshots)]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { pieces: 0 }
    }
}

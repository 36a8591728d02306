//! CQRS108: the number of a fold is counted
//!
//! The fault: `"v2"`

include!("../shop.rs");

#[derive(Serialize, Deserialize)]
pub struct Parcel;

#[aggregate(id = OrderId, on = [Created], snapshots = "v2")]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

fn main() {}

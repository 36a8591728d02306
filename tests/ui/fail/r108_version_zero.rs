//! CQRS108: versions are counted from 1
//!
//! The fault: `0`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
#[cqrs(version = 0)]
pub struct OpenedV1 {
    pub order: OrderId,
}

fn main() {}

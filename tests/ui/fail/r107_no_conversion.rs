//! CQRS107: each version is made from the one before
//!
//! The fault: `OpenedV1`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
#[cqrs(name = "Opened")]
pub struct OpenedV1 {
    pub order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
#[cqrs(version = 2, from = OpenedV1)]
pub struct Opened {
    pub order: OrderId,
}

fn main() {}

//! CQRS107: an event that came from another has a version
//!
//! The fault: `OpenedV1`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
#[cqrs(name = "Opened")]
pub struct OpenedV1 {
    pub order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
#[cqrs(from = OpenedV1)]
pub struct Opened {
    pub order: OrderId,
}

impl From<OpenedV1> for Opened {
    fn from(old: OpenedV1) -> Self {
        Self { order: old.order }
    }
}

fn main() {}

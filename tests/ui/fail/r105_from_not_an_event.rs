//! CQRS105: a version comes from an event
//!
//! The fault: `OpenedV1`

include!("../shop.rs");

#[derive(Serialize, Deserialize)]
pub struct OpenedV1 {
    pub order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
#[cqrs(version = 2, from = OpenedV1)]
pub struct Opened {
    pub order: OrderId,
}

impl From<OpenedV1> for Opened {
    fn from(old: OpenedV1) -> Self {
        Self { order: old.order }
    }
}

fn main() {}

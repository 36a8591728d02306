//! CQRS107: a version comes from the one before, not from itself
//!
//! The fault: `OpenedV2`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
#[cqrs(name = "Opened")]
pub struct OpenedV1 {
    pub order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
#[cqrs(name = "Opened", version = 2, from = OpenedV1)]
pub struct OpenedV2 {
    pub order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
#[cqrs(version = 2, from = OpenedV2)]
pub struct Opened {
    pub order: OrderId,
}

impl From<OpenedV1> for OpenedV2 {
    fn from(old: OpenedV1) -> Self {
        Self { order: old.order }
    }
}

impl From<OpenedV2> for Opened {
    fn from(old: OpenedV2) -> Self {
        Self { order: old.order }
    }
}

fn main() {}

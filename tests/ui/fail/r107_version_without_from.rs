//! CQRS107: a version after the first says what it came from
//!
//! The fault: `2`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
#[cqrs(name = "Opened")]
pub struct OpenedV1 {
    pub order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
#[cqrs(version = 2)]
pub struct Opened {
    pub order: OrderId,
}

impl From<OpenedV1> for Opened {
    fn from(old: OpenedV1) -> Self {
        Self { order: old.order }
    }
}

fn main() {}

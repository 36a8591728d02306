//! CQRS105: a version comes from an event: what to write instead.

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

impl From<OpenedV1> for Opened {
    fn from(old: OpenedV1) -> Self {
        Self { order: old.order }
    }
}

//! CQRS108: versions are counted from 1: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
#[cqrs(version = 1)]
pub struct OpenedV1 {
    pub order: OrderId,
}

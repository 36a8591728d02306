//! CQRS106: a tag names an entity: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Renamed {
    #[tag]
    pub name: OrderId,
}

//! CQRS108: tags are of events: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
pub struct Open {
    pub order: OrderId,
}

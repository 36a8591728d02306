//! CQRS108: options belong above a type: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(name = "open")]
pub struct Open {
    pub order: OrderId,
}

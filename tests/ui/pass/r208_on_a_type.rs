//! CQRS208: a message has a derive, and its handler the macro: what to write instead.

include!("../shop.rs");

#[derive(Command)]
#[cqrs(error = Refused)]
#[derive(Serialize, Deserialize)]
pub struct Open {
    pub order: OrderId,
}

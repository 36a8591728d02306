//! CQRS104: a message owns its data: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
pub struct Rename {
    pub name: String,
}

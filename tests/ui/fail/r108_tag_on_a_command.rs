//! CQRS108: tags are of events
//!
//! The fault: `tag`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
pub struct Open {
    #[tag]
    pub order: OrderId,
}

fn main() {}

//! CQRS106: a tag names an entity
//!
//! The fault: `String`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Renamed {
    #[tag]
    pub name: String,
}

fn main() {}

//! CQRS108: options belong above a type, markers on its fields
//!
//! The fault: `cqrs`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[cqrs(tga)]
    pub order: OrderId,
}

fn main() {}

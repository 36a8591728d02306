//! CQRS108: options belong above a type
//!
//! The fault: `cqrs`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
pub struct Open {
    #[cqrs(name = "open")] pub order: OrderId,
}

fn main() {}

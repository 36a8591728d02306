//! CQRS208: a message has a derive, and its handler the macro
//!
//! The fault: `#[command(error = Refused)]`

include!("../shop.rs");

#[command(error = Refused)]
pub struct Open {
    pub order: OrderId,
}

fn main() {}

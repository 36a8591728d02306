//! CQRS108: options belong above a type: what to write instead.

include!("../shop.rs");

#[derive(Events)]
pub enum Both {
    Created(Created),
    Shipped(Shipped),
}

//! CQRS108: options belong above a type
//!
//! The fault: `cqrs`

include!("../shop.rs");

#[derive(Events)]
pub enum Both {
    #[cqrs(name = "new")]
    Created(Created),
    Shipped(Shipped),
}

fn main() {}

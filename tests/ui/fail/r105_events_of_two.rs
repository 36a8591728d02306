//! CQRS105: `Events` is an enum with one event in each variant
//!
//! The fault: `Both(Created, Shipped)`

include!("../shop.rs");

#[derive(Events)]
pub enum Outcome {
    Both(Created, Shipped),
}

fn main() {}

//! CQRS105: `Events` is an enum with one event in each variant
//!
//! The fault: `Outcome`

include!("../shop.rs");

#[derive(Events)]
pub struct Outcome(Shipped);

fn main() {}

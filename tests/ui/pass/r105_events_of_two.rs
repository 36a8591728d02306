//! CQRS105: `Events` is an enum with one event in each variant: what to write instead.

include!("../shop.rs");

#[derive(Events)]
pub enum Outcome {
    Shipped(Shipped),
}

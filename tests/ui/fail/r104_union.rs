//! CQRS104: a message says what it holds
//!
//! The fault: `Poke`

include!("../shop.rs");

#[derive(Command)]
pub union Poke {
    pub order: u64,
    pub time: f64,
}

fn main() {}

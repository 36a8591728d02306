//! CQRS104: a message says what it holds: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
pub struct Poke {
    pub order: u64,
    pub time: f64,
}

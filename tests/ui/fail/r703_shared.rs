//! CQRS703: a command has the object to itself
//!
//! The fault: `&self`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn clear(&self) {}
}

fn main() {}

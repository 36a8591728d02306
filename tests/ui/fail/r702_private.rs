//! CQRS702: a private method that is marked is held to it
//!
//! The fault: `bool`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    fn add(&mut self, price: u32) -> bool {
        self.items.push(price);
        true
    }
}

fn main() {}

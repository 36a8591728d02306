//! CQRS702: adding does not tell the total
//!
//! The fault: `u32`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn add_item(&mut self, price: u32) -> u32 {
        self.items.push(price);
        self.items.iter().sum()
    }
}

fn main() {}

//! CQRS701: a method that does both is two
//!
//! The fault: `add`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self) -> u32 {
        self.items.iter().sum()
    }
    pub fn add(&mut self, price: u32) -> u32 {
        self.items.push(price);
        self.total()
    }
}

fn main() {}

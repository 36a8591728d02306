//! CQRS701: a method that does both is two: what to write instead.

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
    #[command]
    pub fn add(&mut self, price: u32) {
        self.items.push(price);
    }
}

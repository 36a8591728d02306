//! CQRS208: a method of a plain object is marked inside a `#[cqs] impl`: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn add(&mut self, price: u32) {
        self.items.push(price);
    }
}

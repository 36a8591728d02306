//! CQRS702: a command is no link of a chain
//!
//! The fault: `&mut Self`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn add(&mut self, price: u32) -> &mut Self {
        self.items.push(price);
        self
    }
}

fn main() {}

//! CQRS208: a method of a plain object is marked inside a `#[cqs] impl`
//!
//! The fault: `&mut self`

use cqrs_runtime::prelude::*;

pub struct Cart {
    items: Vec<u32>,
}

impl Cart {
    #[command]
    pub fn add(&mut self, price: u32) {
        self.items.push(price);
    }
}

fn main() {}

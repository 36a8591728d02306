//! CQRS706: nothing changes in secret
//!
//! The fault: `Cart`

use cqrs_runtime::cqs;

use std::cell::Cell;

pub struct Cart {
    items: Vec<u32>,
    asked: Cell<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self) -> u32 {
        self.asked.set(self.asked.get() + 1);
        self.items.iter().sum()
    }
}

fn main() {}

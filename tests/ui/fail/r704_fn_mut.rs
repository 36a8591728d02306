//! CQRS704: a function that changes what it captured is lent to change it
//!
//! The fault: `FnMut(u32) -> bool`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn has(&self, mut test: impl FnMut(u32) -> bool) -> bool {
        self.items.iter().any(|&price| test(price))
    }
}

fn main() {}

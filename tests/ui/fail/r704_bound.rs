//! CQRS704: as a bound as well
//!
//! The fault: `FnMut(u32) -> bool`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn has<F: FnMut(u32) -> bool>(&self, mut test: F) -> bool {
        self.items.iter().any(|&price| test(price))
    }
}

fn main() {}

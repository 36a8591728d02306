//! CQRS704: as a bound as well: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn has<F: Fn(u32) -> bool>(&self, test: F) -> bool {
        self.items.iter().any(|&price| test(price))
    }
}

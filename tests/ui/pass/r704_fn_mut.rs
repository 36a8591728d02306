//! CQRS704: a function that changes what it captured is lent to change it: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn has(&self, test: impl Fn(u32) -> bool) -> bool {
        self.items.iter().any(|&price| test(price))
    }
}

//! CQRS108: with the nearest valid name: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs(interior_mutability)]
impl Cart {
    #[query]
    pub fn total(&self) -> u32 {
        self.items.iter().sum()
    }
}

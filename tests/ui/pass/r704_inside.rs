//! CQRS704: at any depth: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self, _log: Option<&String>) -> u32 {
        self.items.iter().sum()
    }
}

//! CQRS704: asking changes nothing, a counter of questions neither: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
    pub asked: u32,
}

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self) -> u32 {
        self.items.iter().sum()
    }
}

//! CQRS704: asking changes nothing that it is lent: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self, log: &Vec<u32>) -> u32 {
        self.items.iter().chain(log.iter()).sum()
    }
}

//! CQRS704: under another name as well: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self, _log: Log<'_>) -> u32 {
        self.items.iter().sum()
    }
}

pub type Log<'a> = &'a Vec<u32>;

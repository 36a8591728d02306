//! CQRS704: under another name as well
//!
//! The fault: `Log`

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

pub type Log<'a> = &'a mut Vec<u32>;

fn main() {}

//! CQRS704: at any depth
//!
//! The fault: `&mut String`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self, _log: Option<&mut String>) -> u32 {
        self.items.iter().sum()
    }
}

fn main() {}

//! CQRS701: every public method is one or the other
//!
//! The fault: `total`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    pub fn total(&self) -> u32 {
        self.items.iter().sum()
    }
}

fn main() {}

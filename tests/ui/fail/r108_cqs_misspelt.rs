//! CQRS108: with the nearest valid name
//!
//! The fault: `interior_mutabilty`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs(interior_mutabilty)]
impl Cart {
    #[query]
    pub fn total(&self) -> u32 {
        self.items.iter().sum()
    }
}

fn main() {}

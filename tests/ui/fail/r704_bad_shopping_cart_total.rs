//! CQRS704: asking changes nothing, a counter of questions neither
//!
//! The fault: `&mut self`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
    pub asked: u32,
}

#[cqs]
impl Cart {
    #[query]
    pub fn total(&mut self) -> u32 {
        self.asked += 1;
        self.items.iter().sum()
    }
}

fn main() {}

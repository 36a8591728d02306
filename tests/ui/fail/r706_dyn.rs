//! CQRS706: who may hold a cell says that he does not
//!
//! The fault: `Cart`

use cqrs_runtime::cqs;

use std::panic::RefUnwindSafe;

pub trait Prices: Send {
    fn price(&self, item: u32) -> u32;
}

pub struct Cart {
    items: Vec<u32>,
    prices: Box<dyn Prices>,
}

impl RefUnwindSafe for Fixed {}

pub struct Fixed;

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self) -> u32 {
        self.items.iter().map(|&item| self.prices.price(item)).sum()
    }
}

fn main() {}

//! CQRS705: a query answers
//!
//! The fault: `total`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self) {
        self.items.len();
    }
}

fn main() {}

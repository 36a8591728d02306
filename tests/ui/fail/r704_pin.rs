//! CQRS704: at any depth
//!
//! The fault: `&mut Self`

use cqrs_runtime::cqs;

use std::pin::Pin;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn count(self: Pin<&mut Self>) -> usize {
        self.items.len()
    }
}

fn main() {}

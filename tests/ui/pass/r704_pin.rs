//! CQRS704: at any depth: what to write instead.

use cqrs_runtime::cqs;

use std::pin::Pin;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn count(self: Pin<&Self>) -> usize {
        self.items.len()
    }
}

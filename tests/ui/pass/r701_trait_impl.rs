//! CQRS701: it is written on a type's own methods: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    pub fn empty() -> Self {
        Cart { items: Vec::new() }
    }
}

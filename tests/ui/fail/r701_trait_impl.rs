//! CQRS701: it is written on a type's own methods
//!
//! The fault: `Default`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Default for Cart {
    fn default() -> Self {
        Cart { items: Vec::new() }
    }
}

fn main() {}

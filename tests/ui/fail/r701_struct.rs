//! CQRS701: it is written on an `impl`
//!
//! The fault: `pub`

use cqrs_runtime::cqs;

#[cqs]
pub struct Cart;

impl Cart {
    pub fn total(&self) -> u32 {
        0
    }
}

fn main() {}

//! CQRS701: it is written on an `impl`: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart;

#[cqs]
impl Cart {
    #[query]
    pub fn total(&self) -> u32 {
        0
    }
}

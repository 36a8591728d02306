//! CQRS701: it is written on a type's own methods
//!
//! The fault: `trait`

use cqrs_runtime::cqs;

pub struct Cart;

#[cqs]
pub trait Priced {
    #[query]
    fn total(&self) -> u32 {
        0
    }
}

impl Priced for Cart {}

fn main() {}

//! CQRS704: an answer is nothing to change with
//!
//! The fault: `&'static mut u32`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn first(self: Box<Self>) -> Option<&'static mut u32> {
        None
    }
}

fn main() {}

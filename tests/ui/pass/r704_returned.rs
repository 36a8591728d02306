//! CQRS704: an answer is nothing to change with: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn first(self: Box<Self>) -> Option<&'static u32> {
        None
    }
}

//! CQRS705: a query answers
//!
//! The fault: `()`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub async fn check(&self) -> () {}
}

fn main() {}

//! CQRS705: under another name as well
//!
//! The fault: `Nothing`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn check(&self) -> Nothing {}
}

pub type Nothing = ();

fn main() {}

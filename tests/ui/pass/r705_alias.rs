//! CQRS705: under another name as well: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub fn check(&self) -> bool {
        true
    }
}

pub type Nothing = ();

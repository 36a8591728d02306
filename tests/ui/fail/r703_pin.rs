//! CQRS703: a pinned reference is a reference
//!
//! The fault: `self: Pin<&Self>`

use cqrs_runtime::cqs;

use std::pin::Pin;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn clear(self: Pin<&Self>) {}
}

fn main() {}

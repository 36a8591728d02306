//! CQRS703: a command has the object to itself
//!
//! The fault: `self: Arc<Self>`

use cqrs_runtime::cqs;

use std::sync::Arc;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn clear(self: Arc<Self>) {}
}

fn main() {}

//! CQRS702: removing does not hand out
//!
//! The fault: `Option<u32>`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn remove_last(&mut self) -> Option<u32> {
        self.items.pop()
    }
}

fn main() {}

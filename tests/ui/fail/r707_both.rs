//! CQRS707: no method is both
//!
//! The fault: `query`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    #[query]
    pub fn clear(&mut self) {
        self.items.clear();
    }
}

fn main() {}

//! CQRS701: public within the crate is public
//!
//! The fault: `clear`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    pub(crate) fn clear(&mut self) {
        self.items.clear();
    }
}

fn main() {}

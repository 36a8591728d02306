//! CQRS707: no method is both: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn clear(&mut self) {
        self.items.clear();
    }
}

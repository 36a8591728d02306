//! CQRS702: adding does not tell the total: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn add_item(&mut self, price: u32) {
        self.items.push(price);
    }
}

//! CQRS702: it is done or not, and says no more: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn add(&mut self, price: u32) -> Result<(), String> {
        self.items.push(price);
        Ok(())
    }
}

//! CQRS702: it is done or not, and says no more
//!
//! The fault: `Result<u32, String>`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn add(&mut self, price: u32) -> Result<u32, String> {
        self.items.push(price);
        Ok(price)
    }
}

fn main() {}

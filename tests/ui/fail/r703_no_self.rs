//! CQRS703: a command changes the object that it is called on
//!
//! The fault: `clear`

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn clear(cart: &mut Cart) {
        cart.items.clear();
    }
}

fn main() {}

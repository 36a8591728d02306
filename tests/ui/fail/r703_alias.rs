//! CQRS703: how the object is taken is written out
//!
//! The fault: `self: Handle`

use cqrs_runtime::cqs;

use std::rc::Rc;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn clear(self: Handle) {}
}

pub type Handle = Rc<Cart>;

fn main() {}

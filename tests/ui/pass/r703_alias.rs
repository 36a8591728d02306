//! CQRS703: how the object is taken is written out: what to write instead.

use cqrs_runtime::cqs;

use std::rc::Rc;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn clear(&mut self) {}
}

pub type Handle = Rc<Cart>;

//! CQRS706: nothing changes in secret, at any depth
//!
//! The fault: `Cart`

use cqrs_runtime::cqs;

use std::cell::RefCell;
use std::rc::Rc;

pub struct Cart<'a, T> {
    items: &'a [T],
    log: Option<Rc<RefCell<Vec<u32>>>>,
}

#[cqs]
impl<T> Cart<'_, T> {
    #[query]
    pub fn count(&self) -> usize {
        self.items.len() + self.log.iter().count()
    }
}

fn main() {}

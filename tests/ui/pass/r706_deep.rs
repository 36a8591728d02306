//! CQRS706: nothing changes in secret, at any depth: what to write instead.

use cqrs_runtime::cqs;

use std::rc::Rc;

pub struct Cart<'a, T> {
    items: &'a [T],
    log: Option<Rc<Vec<u32>>>,
}

#[cqs]
impl<T> Cart<'_, T> {
    #[query]
    pub fn count(&self) -> usize {
        self.items.len() + self.log.iter().count()
    }
}

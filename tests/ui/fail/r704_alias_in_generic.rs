//! CQRS704: under another name as well
//!
//! The fault: `Log`

use cqrs_runtime::cqs;

pub struct Cart<T> {
    items: Vec<T>,
}

#[cqs]
impl<T: Clone> Cart<T> {
    #[query]
    pub fn items<'a>(&self, log: Option<Log<'a, T>>) -> Vec<T> {
        log.map_or_else(|| self.items.clone(), |log| log.clone())
    }
}

pub type Log<'a, T> = &'a mut Vec<T>;

fn main() {}

//! CQRS702: removing does not hand out: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub fn remove_last(&mut self) {
        self.items.pop();
    }
}

//! CQRS701: public within the crate is public: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[command]
    pub(crate) fn clear(&mut self) {
        self.items.clear();
    }
}

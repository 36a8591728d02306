//! CQRS705: a query answers: what to write instead.

use cqrs_runtime::cqs;

pub struct Cart {
    items: Vec<u32>,
}

#[cqs]
impl Cart {
    #[query]
    pub async fn check(&self) -> bool {
        true
    }
}

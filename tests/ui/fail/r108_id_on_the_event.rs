//! CQRS108: a row is found by `#[key(..)]`, a look-up by `#[id(..)]`
//!
//! The fault: `e.order`

include!("../shop.rs");

#[projection(on = [Created])]
impl Summary {
    fn created(#[id(e.order)] e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

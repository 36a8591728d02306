//! CQRS501: a projection of an aggregate takes every event of it
//!
//! The fault: `Order`

include!("../shop.rs");

#[projection(on = Order)]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

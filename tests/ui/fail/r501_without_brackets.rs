//! CQRS501: events are listed in brackets
//!
//! The fault: `Created`

include!("../shop.rs");

#[projection(on = Created)]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

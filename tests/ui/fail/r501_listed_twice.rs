//! CQRS501: an event is listed once
//!
//! The fault: `Created`

include!("../shop.rs");

#[projection(on = [Created, Created])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

//! CQRS503: who and when are recorded with the event
//!
//! The fault: `&Meta`

include!("../shop.rs");

#[projection(on = [Created])]
impl Summary {
    fn created(e: &Created, _by: &Meta) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

//! CQRS502: a marker names its view
//!
//! The fault: `created`

include!("../shop.rs");

pub struct Summaries;

#[projection(on = [Created])]
impl Summaries {
    fn created(e: &Created) -> Summary {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

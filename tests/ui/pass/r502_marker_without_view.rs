//! CQRS502: a marker names its view: what to write instead.

include!("../shop.rs");

pub struct Summaries;

#[projection(view = Summary, on = [Created])]
impl Summaries {
    fn created(e: &Created) -> Summary {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

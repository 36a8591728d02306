//! CQRS108: a row is found by `#[key(..)]`, a look-up by `#[id(..)]`: what to write instead.

include!("../shop.rs");

#[projection(on = [Created])]
impl Summary {
    #[key(e.order)]
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

//! CQRS502: a fold takes its event by reference
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    fn shipped(&mut self, _: Shipped) {}
}

fn main() {}

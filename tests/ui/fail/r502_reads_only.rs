//! CQRS502: a fold makes, changes or ends
//!
//! The fault: `shipped`

include!("../shop.rs");

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    fn shipped(&self, _: &Shipped) {}
}

fn main() {}

//! CQRS502: a fold method waits for nothing
//!
//! The fault: `async`

include!("../shop.rs");

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    async fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

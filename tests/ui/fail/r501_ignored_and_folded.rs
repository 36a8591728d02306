//! CQRS501: an event is folded or ignored
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[projection(on = Order, ignore = [Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    fn shipped(&mut self, _: &Shipped) {}
}

fn main() {}

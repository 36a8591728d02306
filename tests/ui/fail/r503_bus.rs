//! CQRS503: a projection is replayed
//!
//! The fault: `&CommandBus`

include!("../shop.rs");

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    fn shipped(&mut self, _: &Shipped, _bus: &CommandBus) {}
}

fn main() {}

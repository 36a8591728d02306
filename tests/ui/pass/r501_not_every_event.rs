//! CQRS501: a projection of an aggregate takes every event of it: what to write instead.

include!("../shop.rs");

#[projection(on = Order, ignore = [Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

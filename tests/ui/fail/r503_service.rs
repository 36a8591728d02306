//! CQRS503: a projection is replayed
//!
//! The fault: `State<u8>`

include!("../shop.rs");

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    fn shipped(&mut self, _: &Shipped, _carrier: State<u8>) {}
}

fn main() {}

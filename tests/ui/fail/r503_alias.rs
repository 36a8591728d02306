//! CQRS503: a projection is replayed, under any name
//!
//! The fault: `Carrier`

include!("../shop.rs");

pub type Carrier = State<u8>;

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    fn shipped(&mut self, _: &Shipped, _carrier: Carrier) {}
}

fn main() {}

//! CQRS501: a list says already what is not listened to
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[projection(on = [Created], ignore = [Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

//! CQRS502: a view is rebuilt by replay
//!
//! The fault: `Result<(), Refused>`

include!("../shop.rs");

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    fn shipped(&mut self, _: &Shipped) -> Result<(), Refused> {
        Ok(())
    }
}

fn main() {}

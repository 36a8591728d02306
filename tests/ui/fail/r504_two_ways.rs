//! CQRS504: an event finds its rows in one way
//!
//! The fault: `customer`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Moved {
    #[tag]
    pub customer: CustomerId,
}

#[projection(on = [Created, Moved])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    #[by(customer)]
    #[key(e.customer)]
    fn moved(&mut self, e: &Moved) {}
}

fn main() {}

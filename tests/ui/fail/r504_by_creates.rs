//! CQRS504: a fan-out changes the rows that are there
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
    fn moved(_: &Moved) -> Self {
        unimplemented!()
    }
}

fn main() {}

//! CQRS503: another view is looked up
//!
//! The fault: `Views<Customer>`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Customer {
    #[key]
    pub customer: CustomerId,
}

#[projection(on = [Created])]
impl Summary {
    fn created(e: &Created, _customer: Views<Customer>) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

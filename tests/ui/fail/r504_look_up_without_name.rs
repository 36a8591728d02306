//! CQRS504: a look-up is found by a name
//!
//! The fault: `_`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Customer {
    #[key]
    pub customer: CustomerId,
}

#[projection(on = [Created])]
impl Summary {
    fn created(e: &Created, _: Option<&Customer>) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

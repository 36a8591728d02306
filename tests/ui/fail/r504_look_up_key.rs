//! CQRS504: another view is looked up by its key
//!
//! The fault: `e`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Customer {
    #[key]
    pub customer: CustomerId,
}

#[projection(on = [Created])]
impl Summary {
    fn created(e: &Created, #[id(e.order)] _customer: Option<&Customer>) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

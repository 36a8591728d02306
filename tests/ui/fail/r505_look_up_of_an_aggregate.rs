//! CQRS505: another view is looked up, and nothing else
//!
//! The fault: `Order`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Customer {
    #[key]
    pub order: OrderId,
}

#[projection(on = [Created])]
impl Summary {
    fn created(e: &Created, _order: Option<&Order>) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

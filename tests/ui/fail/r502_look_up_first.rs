//! CQRS502: the event comes before what is looked up
//!
//! The fault: `&Created`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Customer {
    #[key]
    pub customer: CustomerId,
}

#[projection(on = [Created])]
impl Summary {
    fn created(_customer: Option<&Customer>, e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

fn main() {}

//! CQRS502: the event comes before what is looked up: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Customer {
    #[key]
    pub customer: CustomerId,
}

#[projection(on = [Created])]
impl Summary {
    fn created(e: &Created, _customer: Option<&Customer>) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

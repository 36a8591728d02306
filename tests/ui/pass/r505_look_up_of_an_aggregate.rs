//! CQRS505: another view is looked up, and nothing else: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Customer {
    #[key]
    pub order: OrderId,
}

#[projection(on = [Created])]
impl Summary {
    fn created(e: &Created, _order: Option<&Customer>) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
}

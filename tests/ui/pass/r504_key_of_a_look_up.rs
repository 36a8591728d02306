//! CQRS504: a look-up cannot tell which row an event is about: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Customer {
    #[key]
    pub customer: CustomerId,
    pub last: OrderId,
}

#[projection(on = [Created])]
impl Summary {
    #[key(event.order)]
    fn created(&mut self, event: &Created, customer: Option<&Customer>) {
        self.total = i64::from(customer.is_some_and(|customer| customer.last == event.order));
    }
}

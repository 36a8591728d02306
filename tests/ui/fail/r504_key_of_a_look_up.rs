//! CQRS504: a look-up cannot tell which row an event is about
//!
//! The fault: `customer`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Customer {
    #[key]
    pub customer: CustomerId,
    pub last: OrderId,
}

#[projection(on = [Created])]
impl Summary {
    #[key(customer.map_or(event.order, |customer| customer.last))]
    fn created(&mut self, event: &Created, customer: Option<&Customer>) {
        self.total = i64::from(customer.is_some_and(|customer| customer.last == event.order));
    }
}

fn main() {}

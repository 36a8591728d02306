//! CQRS501: the method of a listed event takes another: what to write instead.

include!("../shop.rs");

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(event: &Created) -> Self {
        Summary { order: event.order, customer: event.customer, total: 0 }
    }
    fn ended(self, _: &Shipped) -> Option<Self> {
        None
    }
}

#[derive(Event, Serialize, Deserialize)]
pub struct Returned {
    #[tag]
    pub order: OrderId,
}

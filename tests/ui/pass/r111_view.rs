//! CQRS111: a view is stored as JSON: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Bill {
    #[key]
    pub order: OrderId,
}

#[projection(on = [Created])]
impl Bill {
    fn created(event: &Created) -> Self {
        Bill { order: event.order }
    }
}

#[query]
async fn count(_: Count, bills: Views<Bill>) -> Result<u64, QueryError> {
    bills.scan().count().await
}

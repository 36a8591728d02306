//! CQRS111: a view is stored as JSON
//!
//! The fault: `Bill`

include!("../shop.rs");

#[derive(View)]
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

fn main() {}

//! CQRS501: a projection with a fault is one error, wherever it is used
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(event: &Created) -> Self {
        Summary { order: event.order, customer: event.customer, total: 0 }
    }
}

#[query]
async fn count(_q: Count, views: Views<Summary>) -> Result<u64, QueryError> {
    Ok(views.scan().all().await?.len() as u64)
}

pub fn uses(event: &Created) -> OrderId {
    Summary::created(event).order
}

fn main() {}

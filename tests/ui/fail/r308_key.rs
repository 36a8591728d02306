//! CQRS308: a row is got by its key
//!
//! The fault: `eq`

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Summary>)]
pub struct Find {
    pub order: OrderId,
}

#[query]
async fn find(q: Find, orders: Views<Summary>) -> Result<Vec<Summary>, QueryError> {
    orders.find(Summary::ORDER.eq(q.order)).all().await
}

fn main() {}

//! CQRS308: an index is compared with its own type
//!
//! The fault: `q.order`

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Summary>)]
pub struct Find {
    pub order: OrderId,
}

#[query]
async fn find(q: Find, orders: Views<Summary>) -> Result<Vec<Summary>, QueryError> {
    orders.find(Summary::CUSTOMER.eq(q.order)).all().await
}

fn main() {}

//! CQRS308: an index is compared with its own type: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Summary>)]
pub struct Find {
    pub customer: CustomerId,
}

#[query]
async fn find(q: Find, orders: Views<Summary>) -> Result<Vec<Summary>, QueryError> {
    orders.find(Summary::CUSTOMER.eq(q.customer)).all().await
}

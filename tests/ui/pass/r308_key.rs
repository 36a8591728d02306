//! CQRS308: a row is got by its key: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Summary>)]
pub struct Find {
    pub order: OrderId,
}

#[query]
async fn find(q: Find, orders: Views<Summary>) -> Result<Vec<Summary>, QueryError> {
    Ok(orders.get(q.order).await?.into_iter().collect())
}

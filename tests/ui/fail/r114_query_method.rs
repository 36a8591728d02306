//! CQRS114: a query is reached by `GET` or `POST`
//!
//! The fault: `"PUT /orders/count"`

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u64, http = "PUT /orders/count")]
pub struct HowMany {}

#[query]
async fn how_many(_q: HowMany, orders: Views<Summary>) -> Result<u64, QueryError> {
    orders.scan().count().await
}

fn main() {}

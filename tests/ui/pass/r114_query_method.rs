//! CQRS114: a query is reached by `GET` or `POST`: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u64, http = "GET /orders/count")]
pub struct HowMany {}

#[query]
async fn how_many(_q: HowMany, orders: Views<Summary>) -> Result<u64, QueryError> {
    orders.scan().count().await
}

fn main() {}

//! CQRS111: a query travels as JSON, and is written as it
//!
//! The fault: `Paid`

include!("../shop.rs");

#[derive(Query, Deserialize)]
#[cqrs(returns = u64)]
pub struct Paid {}

#[query]
async fn paid(_: Paid, summaries: Views<Summary>) -> Result<u64, QueryError> {
    summaries.scan().count().await
}

fn main() {}

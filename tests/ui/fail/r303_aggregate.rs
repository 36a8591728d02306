//! CQRS303: a query reads views, not what decisions need
//!
//! The fault: `&Order`

include!("../shop.rs");

#[query]
async fn count(_q: Count, _summaries: &Order) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

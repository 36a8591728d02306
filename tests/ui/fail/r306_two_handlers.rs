//! CQRS306: one handler a query
//!
//! The fault: `Count`

include!("../shop.rs");

#[query]
async fn count(_q: Count) -> Result<u64, QueryError> {
    Ok(0)
}

#[query]
pub async fn count_again(_q: Count) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

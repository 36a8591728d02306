//! CQRS301: a query handler begins with a query
//!
//! The fault: `count`

include!("../shop.rs");

#[query]
async fn count() -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

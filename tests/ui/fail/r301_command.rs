//! CQRS301: a query handler begins with a query
//!
//! The fault: `Ship`

include!("../shop.rs");

#[query]
async fn count(_q: Ship) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

//! CQRS304: a query handler answers what its query declares
//!
//! The fault: `u32`

include!("../shop.rs");

#[query]
async fn count(_q: Count) -> Result<u32, QueryError> {
    Ok(0)
}

fn main() {}

//! CQRS304: a query handler answers: what to write instead.

include!("../shop.rs");

#[query]
async fn count(_q: Count) -> Result<u64, QueryError> {
    Ok(0)
}

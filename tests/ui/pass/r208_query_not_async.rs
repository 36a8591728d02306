//! CQRS208: a query waits for the read database: what to write instead.

include!("../shop.rs");

#[query]
async fn count(_: Count) -> Result<u64, QueryError> {
    Ok(0)
}

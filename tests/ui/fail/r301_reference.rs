//! CQRS301: a query is taken by value
//!
//! The fault: `&Count`

include!("../shop.rs");

#[query]
async fn count(_q: &Count) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

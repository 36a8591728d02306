//! CQRS208: a query waits for the read database
//!
//! The fault: `fn`

include!("../shop.rs");

#[query]
fn count(_: Count) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

//! CQRS304: a query fails with an error
//!
//! The fault: `String`

include!("../shop.rs");

#[query]
async fn count(_q: Count) -> Result<u64, String> {
    Ok(0)
}

fn main() {}

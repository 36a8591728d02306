//! CQRS304: a query handler returns a `Result`
//!
//! The fault: `u64`

include!("../shop.rs");

#[query]
async fn count(_: Count) -> Option<u64> {
    Some(0)
}

fn main() {}

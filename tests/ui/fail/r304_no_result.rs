//! CQRS304: a query handler may fail
//!
//! The fault: `u64`

include!("../shop.rs");

#[query]
async fn count(_q: Count) -> u64 {
    0
}

fn main() {}

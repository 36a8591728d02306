//! CQRS304: a query handler answers
//!
//! The fault: `count`

include!("../shop.rs");

#[query]
async fn count(_q: Count) {}

fn main() {}

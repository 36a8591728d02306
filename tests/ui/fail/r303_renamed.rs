//! CQRS303: a bus under another name
//!
//! The fault: `Counter`

include!("../shop.rs");

use cqrs_runtime::CommandBus as Counter;

#[query]
async fn count(_q: Count, _counter: Counter) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

//! CQRS303: a query takes only services that read
//!
//! The fault: `State<Rates>`

include!("../shop.rs");

pub struct Rates;

#[query]
async fn count(_q: Count, _rates: State<Rates>) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

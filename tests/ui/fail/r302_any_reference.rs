//! CQRS302: a query takes nothing that it could change
//!
//! The fault: `&mut Meta`

include!("../shop.rs");

#[query]
async fn count(_q: Count, _meta: &mut Meta) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

//! CQRS303: a query takes nothing that writes
//!
//! The fault: `CommandBus`

include!("../shop.rs");

#[query]
async fn count(_q: Count, _bus: CommandBus) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

//! CQRS303: a query takes nothing that writes
//!
//! The fault: `Tx<Sqlite>`

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

#[query]
async fn count(_q: Count, _tx: Tx<Sqlite>) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

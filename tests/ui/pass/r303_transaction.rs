//! CQRS303: a query takes nothing that writes: what to write instead.

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

#[query]
async fn count(_q: Count, _tx: Reader<Sqlite>) -> Result<u64, QueryError> {
    Ok(0)
}

//! CQRS302: a query takes nothing that it could change
//!
//! The fault: `&mut Tx<Sqlite>`

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

#[query]
async fn count(_q: Count, _tx: &mut Tx<Sqlite>) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

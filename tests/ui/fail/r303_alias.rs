//! CQRS303: a query takes nothing that writes, under any name
//!
//! The fault: `Access`

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

pub type Access = Tx<Sqlite>;

#[query]
async fn count(_q: Count, _access: Access) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

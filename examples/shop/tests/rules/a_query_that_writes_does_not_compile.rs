//! A query about orders changes none.

use cqrs_runtime::prelude::*;
use cqrs_sqlite::Sqlite;

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u64)]
pub struct CountOrders {}

#[query]
async fn count_orders(_: CountOrders, _tx: &mut Tx<Sqlite>) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}

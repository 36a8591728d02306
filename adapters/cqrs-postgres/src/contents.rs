//! Lists and removes the views and projections in a schema.

use std::time::Duration;

use cqrs_core::log::StoreError;
use cqrs_core::view::Removal;
use tokio_postgres::types::Type;

use crate::events::column;
use crate::rows;
use crate::sql::Sql;
use crate::text::{escape, unescape};

/// The names of all views.
pub(crate) fn shapes(schema: &str) -> Sql {
    Sql::new(format!("SELECT view FROM {schema}.cqrs_shapes ORDER BY view"))
}

/// The number of rows of a view.
pub(crate) fn number(schema: &str, view: &str) -> Sql {
    let mut sql = Sql::new(format!("SELECT count(*) FROM {}", rows::table(schema, view)));
    sql.once = true;
    sql
}

/// How many milliseconds ago a lease ran out: a negative number if it is held. A released lease ran
/// out at `-infinity`, which cannot be subtracted as a time.
const IDLE: &str = "(extract(epoch FROM clock_timestamp()) - extract(epoch FROM until)) * 1000";

/// How long ago each lease ran out, in milliseconds.
pub(crate) fn leases(schema: &str) -> Sql {
    Sql::new(format!("SELECT projection, greatest(0, least(1e15, {IDLE}))::bigint FROM {schema}.cqrs_leases"))
}

pub(crate) fn stored_leases(store: &str, rows: &[tokio_postgres::Row]) -> Result<Vec<(String, Duration)>, StoreError> {
    let one = |row: &tokio_postgres::Row| {
        let idle = Duration::from_millis(column::<i64>(store, row, 1)?.unsigned_abs());
        Ok((unescape(column(store, row, 0)?), idle))
    };
    rows.iter().map(one).collect()
}

/// Returns a row if a lease is held, or ran out less than `unused` ago.
pub(crate) fn used(schema: &str, mark: &str, unused: Duration) -> Sql {
    Sql::new(format!("SELECT 1 FROM {schema}.cqrs_leases WHERE projection = $1 AND {IDLE} < $2"))
        .with(escape(mark), Type::TEXT)
        .with(i64::try_from(unused.as_millis()).unwrap_or(i64::MAX), Type::INT8)
}

/// Removes checkpoints, parked keys, a lease, and what is known of views. Their tables are dropped before.
pub(crate) fn remove(schema: &str, removal: &Removal, mark: &str) -> Vec<Sql> {
    let named = |table: &str, column: &str, name: &str| {
        Sql::new(format!("DELETE FROM {schema}.{table} WHERE {column} = $1")).with(escape(name), Type::TEXT)
    };
    let mut statements: Vec<Sql> = removal.views.iter().map(|view| named("cqrs_shapes", "view", view)).collect();
    for projection in &removal.projections {
        statements.extend(["cqrs_checkpoints", "cqrs_parked"].map(|table| named(table, "projection", projection)));
    }
    statements.push(named("cqrs_leases", "projection", mark));
    statements
}

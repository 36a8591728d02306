//! Who runs which projection.
//!
//! Times are the machine's clock's, as `SQLite` tells it: all processes that share a file share it. A clock that is set forward
//! ends leases early, which costs work done twice and nothing else: what counts is the token.

use std::time::Duration;

use cqrs_runtime::log::StoreError;
use cqrs_runtime::view::Lease;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{damaged, store_error};

/// Milliseconds since 1970, from the database.
const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Takes or renews a lease, unless another has one that has not run out.
pub(crate) fn take(
    connection: &Connection,
    projection: &'static str,
    owner: &str,
    time: Duration,
) -> rusqlite::Result<Option<Lease>> {
    let now: i64 = connection.prepare_cached(NOW)?.query_row([], |row| row.get(0))?;
    let sql = "SELECT owner, token, until FROM main.cqrs_leases WHERE projection = ?1";
    let held: Option<(String, i64, i64)> = connection
        .prepare_cached(sql)?
        .query_row([projection], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let token = match held {
        None => 1,
        Some((holder, token, _)) if holder == owner => token,
        Some((_, _, until)) if until > now => return Ok(None),
        Some((_, token, _)) => token + 1,
    };
    let until = now.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO main.cqrs_leases (projection, owner, token, until) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![projection, owner, token, until])?;
    Ok(Some(Lease { projection, token: token.unsigned_abs() }))
}

/// Who has a lease that has not run out.
pub(crate) fn holder(connection: &Connection, projection: &str) -> rusqlite::Result<Option<String>> {
    let now: i64 = connection.prepare_cached(NOW)?.query_row([], |row| row.get(0))?;
    connection
        .prepare_cached("SELECT owner FROM main.cqrs_leases WHERE projection = ?1 AND until > ?2")?
        .query_row(params![projection, now], |row| row.get(0))
        .optional()
}

/// Refuses what is not the newest lease of its projection. Under the file's lock it stays so.
pub(crate) fn check(connection: &Connection, store: &str, leases: &[Lease]) -> Result<(), StoreError> {
    for lease in leases {
        let sql = "SELECT token FROM main.cqrs_leases WHERE projection = ?1";
        let newest = || -> rusqlite::Result<Option<i64>> {
            connection.prepare_cached(sql)?.query_row([lease.projection], |row| row.get(0)).optional()
        };
        let newest = newest().map_err(|error| store_error(store, &error))?;
        if newest.map(i64::unsigned_abs) != Some(lease.token) {
            return Err(damaged(store, format!("another process has taken projection `{}` over", lease.projection)));
        }
    }
    Ok(())
}

/// Ends leases now, those that are still the newest.
pub(crate) fn release(connection: &Connection, leases: &[Lease]) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE main.cqrs_leases SET until = 0 WHERE projection = ?1 AND token = ?2")?;
    for lease in leases {
        statement.execute(params![lease.projection, lease.token.cast_signed()])?;
    }
    Ok(())
}

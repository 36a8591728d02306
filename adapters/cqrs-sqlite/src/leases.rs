//! Leases: which process runs which projection.
//!
//! Times come from the machine's clock, which all processes that share a file use.
//!
//! If the clock is set forward, leases end early. That costs duplicate work, but nothing else:
//! tokens decide who may write. If the clock is set back, or the file comes from another machine,
//! leases seem to last too long. So no lease is trusted for longer than its own length. Leases of a
//! dead process are not trusted at all.

use std::time::Duration;

use cqrs_core::log::StoreError;
use cqrs_core::view::Lease;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{damaged, store_error};
use crate::presence::{Presence, unmarked};

/// The tolerance for small clock corrections, in milliseconds.
const SLACK: i64 = 1_000;

/// Milliseconds since 1970, from the database.
const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// A lease as it is stored.
struct StoredLease {
    /// The owner, with the mark of its process.
    owner: String,
    token: i64,
    until: i64,
    /// How long it lasts, in milliseconds. Older versions did not store it.
    length: Option<i64>,
}

impl StoredLease {
    fn stored(connection: &Connection, projection: &str) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached("SELECT owner, token, until, length FROM main.cqrs_leases WHERE projection = ?1")?
            .query_row([projection], |row| {
                Ok(Self { owner: row.get(0)?, token: row.get(1)?, until: row.get(2)?, length: row.get(3)? })
            })
            .optional()
    }

    /// Whether the lease has not run out, as far as its time can be trusted, and its process is not
    /// known to be dead.
    fn holds(&self, now: i64, presence: &Presence) -> bool {
        let latest = self.length.map_or(i64::MAX, |length| now.saturating_add(length).saturating_add(SLACK));
        self.until > now && self.until <= latest && !presence.is_gone(&self.owner)
    }
}

/// How long ago each lease ran out, in milliseconds.
pub(crate) fn idle(connection: &Connection) -> rusqlite::Result<Vec<(String, Duration)>> {
    let now: i64 = connection.prepare_cached(NOW)?.query_row([], |row| row.get(0))?;
    let mut statement = connection.prepare("SELECT projection, until FROM main.cqrs_leases")?;
    let idle = |row: &rusqlite::Row<'_>| {
        let idle = now.saturating_sub(row.get::<_, i64>(1)?);
        Ok((row.get(0)?, Duration::from_millis(u64::try_from(idle).unwrap_or_default())))
    };
    statement.query_map([], idle)?.collect()
}

/// Whether a lease is held, or ran out less than `unused` ago.
pub(crate) fn is_used(connection: &Connection, projection: &str, unused: Duration) -> rusqlite::Result<bool> {
    let now: i64 = connection.prepare_cached(NOW)?.query_row([], |row| row.get(0))?;
    let since = now.saturating_sub(i64::try_from(unused.as_millis()).unwrap_or(i64::MAX));
    Ok(StoredLease::stored(connection, projection)?.is_some_and(|held| held.until > since))
}

/// Acquires or renews a lease, unless another owner holds it.
pub(crate) fn take(
    connection: &Connection,
    projection: &'static str,
    owner: &str,
    time: Duration,
    presence: &Presence,
) -> rusqlite::Result<Option<Lease>> {
    let now: i64 = connection.prepare_cached(NOW)?.query_row([], |row| row.get(0))?;
    let length = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let token = match StoredLease::stored(connection, projection)? {
        None => 1,
        Some(held) if unmarked(&held.owner) == owner => held.token,
        Some(mut held) => {
            held.length.get_or_insert(length);
            if held.holds(now, presence) {
                return Ok(None);
            }
            held.token + 1
        }
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO main.cqrs_leases (projection, owner, token, until, length) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![projection, presence.mark(owner), token, now.saturating_add(length), length])?;
    Ok(Some(Lease { projection, token: token.unsigned_abs() }))
}

/// The owner that holds a lease.
pub(crate) fn holder(
    connection: &Connection,
    projection: &str,
    presence: &Presence,
) -> rusqlite::Result<Option<String>> {
    let now: i64 = connection.prepare_cached(NOW)?.query_row([], |row| row.get(0))?;
    let held = StoredLease::stored(connection, projection)?.filter(|held| held.holds(now, presence));
    Ok(held.map(|held| unmarked(&held.owner).to_owned()))
}

/// Refuses leases that are not the newest of their projection. The file's lock keeps the result
/// valid.
pub(crate) fn check(connection: &Connection, store: &str, leases: &[Lease]) -> Result<(), StoreError> {
    for lease in leases {
        let sql = "SELECT token FROM main.cqrs_leases WHERE projection = ?1";
        let newest = || -> rusqlite::Result<Option<i64>> {
            connection.prepare_cached(sql)?.query_row([lease.projection], |row| row.get(0)).optional()
        };
        let newest = newest().map_err(|error| store_error(store, &error))?;
        if newest.map(i64::unsigned_abs) != Some(lease.token) {
            return Err(damaged(
                store,
                format!("lost the lease on projection `{}`: another process has acquired it", lease.projection),
            ));
        }
    }
    Ok(())
}

/// Ends leases now, if they are still the newest.
pub(crate) fn release(connection: &Connection, leases: &[Lease]) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE main.cqrs_leases SET until = 0 WHERE projection = ?1 AND token = ?2")?;
    for lease in leases {
        statement.execute(params![lease.projection, lease.token.cast_signed()])?;
    }
    Ok(())
}

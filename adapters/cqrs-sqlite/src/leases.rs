//! Who runs which projection.
//!
//! Times are the machine's clock's, as `SQLite` tells it: all processes that share a file share it. A clock that is set forward
//! ends leases early, which costs work done twice and nothing else: what counts is the token. One that is set back, or a file of
//! another machine, leaves leases that seem to last for long: none is trusted for longer than its own length. Those of a process that
//! is known to be dead are not trusted at all.

use std::time::Duration;

use cqrs_runtime::log::StoreError;
use cqrs_runtime::view::Lease;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{damaged, store_error};
use crate::presence::{Presence, unmarked};

/// By how many milliseconds a clock may be put right while a lease is looked at.
const SLACK: i64 = 1_000;

/// Milliseconds since 1970, from the database.
const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// A lease as it is stored.
struct Held {
    /// With the mark of its process.
    owner: String,
    token: i64,
    until: i64,
    /// How long it lasts. Older programs did not say.
    length: Option<i64>,
}

impl Held {
    fn stored(connection: &Connection, projection: &str) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached("SELECT owner, token, until, length FROM main.cqrs_leases WHERE projection = ?1")?
            .query_row([projection], |row| {
                Ok(Self { owner: row.get(0)?, token: row.get(1)?, until: row.get(2)?, length: row.get(3)? })
            })
            .optional()
    }

    /// Whether it has not run out, as far as its time is to be trusted, and its process is not known to be dead.
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

/// Whether a lease is held, or was less than `unused` ago.
pub(crate) fn is_used(connection: &Connection, projection: &str, unused: Duration) -> rusqlite::Result<bool> {
    let now: i64 = connection.prepare_cached(NOW)?.query_row([], |row| row.get(0))?;
    let since = now.saturating_sub(i64::try_from(unused.as_millis()).unwrap_or(i64::MAX));
    Ok(Held::stored(connection, projection)?.is_some_and(|held| held.until > since))
}

/// Takes or renews a lease, unless another has one that holds.
pub(crate) fn take(
    connection: &Connection,
    projection: &'static str,
    owner: &str,
    time: Duration,
    presence: &Presence,
) -> rusqlite::Result<Option<Lease>> {
    let now: i64 = connection.prepare_cached(NOW)?.query_row([], |row| row.get(0))?;
    let length = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let token = match Held::stored(connection, projection)? {
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

/// Who has a lease that holds.
pub(crate) fn holder(
    connection: &Connection,
    projection: &str,
    presence: &Presence,
) -> rusqlite::Result<Option<String>> {
    let now: i64 = connection.prepare_cached(NOW)?.query_row([], |row| row.get(0))?;
    let held = Held::stored(connection, projection)?.filter(|held| held.holds(now, presence));
    Ok(held.map(|held| unmarked(&held.owner).to_owned()))
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

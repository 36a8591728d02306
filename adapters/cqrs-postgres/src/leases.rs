//! Leases: which process runs which projection.
//!
//! Times come from the server's clock.
//!
//! If the clock is set forward, leases end early. That costs duplicate work, but nothing else:
//! tokens decide who may write. If the clock is set back, or another server takes over, leases seem
//! to last too long. So no lease is trusted for longer than its own length.
//!
//! A process that has leases holds a lock in a session of its own
//! ([`Presence`](crate::presence::Presence)). If nobody holds that lock, the process is dead or cut
//! off, and its leases can be acquired at once.

use std::collections::HashMap;
use std::time::Duration;

use cqrs_core::log::StoreError;
use cqrs_core::view::Lease;
use tokio_postgres::types::Type;

use crate::error::damaged;
use crate::events::column;
use crate::sql::Sql;
use crate::text::{escape, unescape};

/// The separator between an owner and the lock of its process in a lease. No escaped text holds it.
const MARK: &str = "\u{1}\u{3}";

/// The tolerance for small clock corrections, in milliseconds.
const SLACK: i64 = 1_000;

/// The owner to store in a lease: with the lock of its process, if it holds one.
pub(crate) fn mark(owner: &str, presence: Option<i64>) -> String {
    let owner = escape(owner);
    presence.map_or_else(|| owner.clone(), |lock| format!("{owner}{MARK}{lock}"))
}

/// The condition that a lease has not run out, as far as its time can be trusted, and that its
/// process is not known to be dead. `length` stands for the length of leases from older versions,
/// which did not store it.
fn holds(length: &str) -> String {
    format!(
        "(held.until > clock_timestamp()
          AND (coalesce(held.length, {length}) IS NULL
               OR held.until <= clock_timestamp() + (coalesce(held.length, {length}) + {SLACK}) * interval '1 millisecond')
          AND (split_part(held.owner, '{MARK}', 2) = '' OR EXISTS (
               SELECT FROM pg_locks l
               WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND (l.classid::bigint << 32) | l.objid::bigint = nullif(split_part(held.owner, '{MARK}', 2), '')::bigint)))"
    )
}

/// Acquires or renews leases that no other owner holds. Returns their projections and tokens.
pub(crate) fn take(
    schema: &str,
    projections: &[&'static str],
    owner: &str,
    presence: Option<i64>,
    time: Duration,
) -> Sql {
    let own = format!("split_part(held.owner, '{MARK}', 1) = split_part(excluded.owner, '{MARK}', 1)");
    Sql::new(format!(
        "INSERT INTO {schema}.cqrs_leases AS held (projection, owner, token, until, length)
         SELECT projection, $2, 1, clock_timestamp() + $3 * interval '1 millisecond', $3 FROM unnest($1) AS projection
         ON CONFLICT (projection) DO UPDATE
         SET owner = excluded.owner, until = excluded.until, length = excluded.length,
             token = held.token + CASE WHEN {own} THEN 0 ELSE 1 END
         WHERE {own} OR NOT {}
         RETURNING projection, token",
        holds("$3")
    ))
    .with(projections.iter().map(|name| escape(name)).collect::<Vec<_>>(), Type::TEXT_ARRAY)
    .with(mark(owner, presence), Type::TEXT)
    .with(i64::try_from(time.as_millis()).unwrap_or(i64::MAX), Type::INT8)
}

/// The projections whose leases are held, and their owners.
pub(crate) fn held(schema: &str, projections: &[&'static str]) -> Sql {
    Sql::new(format!(
        "SELECT projection, split_part(owner, '{MARK}', 1) FROM {schema}.cqrs_leases held WHERE projection = ANY ($1) AND {}",
        holds("NULL::bigint")
    ))
    .with(projections.iter().map(|name| escape(name)).collect::<Vec<_>>(), Type::TEXT_ARRAY)
}

/// Decodes owners, in the order of `projections`.
pub(crate) fn owners(
    store: &str,
    rows: &[tokio_postgres::Row],
    projections: &[&'static str],
) -> Result<Vec<Option<String>>, StoreError> {
    let mut known = HashMap::new();
    for row in rows {
        known.insert(column::<String>(store, row, 0)?, unescape(column(store, row, 1)?));
    }
    Ok(projections.iter().map(|name| known.get(&*escape(name)).cloned()).collect())
}

/// The newest tokens of these projections. The rows stay locked until the transaction ends.
pub(crate) fn newest(schema: &str, leases: &[Lease]) -> Sql {
    let names: Vec<_> = leases.iter().map(|lease| escape(lease.projection)).collect();
    Sql::new(format!(
        "SELECT projection, token FROM {schema}.cqrs_leases WHERE projection = ANY ($1) ORDER BY projection FOR UPDATE"
    ))
    .with(names, Type::TEXT_ARRAY)
}

/// Decodes leases, in the order of `projections`.
pub(crate) fn stored(
    store: &str,
    rows: &[tokio_postgres::Row],
    projections: impl Iterator<Item = &'static str>,
) -> Result<Vec<Option<Lease>>, StoreError> {
    let mut known = Vec::new();
    for row in rows {
        known.push((column::<String>(store, row, 0)?, column::<i64>(store, row, 1)?.cast_unsigned()));
    }
    let token = |name: &'static str| known.iter().find(|(known, _)| *known == escape(name)).map(|(_, token)| *token);
    Ok(projections.map(|projection| token(projection).map(|token| Lease { projection, token })).collect())
}

/// Refuses leases that are not the newest of their projection. The lock keeps the result valid.
pub(crate) fn check(store: &str, rows: &[tokio_postgres::Row], leases: &[Lease]) -> Result<(), StoreError> {
    let newest = stored(store, rows, leases.iter().map(|lease| lease.projection))?;
    match leases.iter().zip(newest).find(|(lease, newest)| newest.as_ref() != Some(lease)) {
        Some((lease, _)) => Err(damaged(
            store,
            format!("lost the lease on projection `{}`: another process has acquired it", lease.projection),
        )),
        None => Ok(()),
    }
}

/// Ends leases now, if they are still the newest.
pub(crate) fn release(schema: &str, leases: &[Lease]) -> Sql {
    Sql::new(format!(
        "UPDATE {schema}.cqrs_leases AS held SET until = '-infinity'
         FROM unnest($1, $2) AS given (projection, token)
         WHERE held.projection = given.projection AND held.token = given.token"
    ))
    .with(leases.iter().map(|lease| escape(lease.projection)).collect::<Vec<_>>(), Type::TEXT_ARRAY)
    .with(leases.iter().map(|lease| lease.token.cast_signed()).collect::<Vec<_>>(), Type::INT8_ARRAY)
}

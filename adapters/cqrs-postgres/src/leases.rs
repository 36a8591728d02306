//! Who runs which projection.
//!
//! Times are the server's clock's. One that is set forward ends leases early, which costs work done twice and nothing else: what
//! counts is the token.

use std::collections::HashMap;
use std::time::Duration;

use cqrs_runtime::log::StoreError;
use cqrs_runtime::view::Lease;
use tokio_postgres::types::Type;

use crate::error::damaged;
use crate::events::column;
use crate::sql::Sql;
use crate::text::{escape, unescape};

/// Takes or renews the leases of projections that nobody else has, and yields their names and tokens.
pub(crate) fn take(schema: &str, projections: &[&'static str], owner: &str, time: Duration) -> Sql {
    Sql::new(format!(
        "INSERT INTO {schema}.cqrs_leases AS held (projection, owner, token, until)
         SELECT projection, $2, 1, clock_timestamp() + $3 * interval '1 millisecond' FROM unnest($1) AS projection
         ON CONFLICT (projection) DO UPDATE
         SET owner = excluded.owner, until = excluded.until,
             token = held.token + CASE WHEN held.owner = excluded.owner THEN 0 ELSE 1 END
         WHERE held.owner = excluded.owner OR held.until <= clock_timestamp()
         RETURNING projection, token"
    ))
    .with(projections.iter().map(|name| escape(name)).collect::<Vec<_>>(), Type::TEXT_ARRAY)
    .with(escape(owner), Type::TEXT)
    .with(i64::try_from(time.as_millis()).unwrap_or(i64::MAX), Type::INT8)
}

/// Those of these projections that somebody has a lease of that has not run out, and who.
pub(crate) fn held(schema: &str, projections: &[&'static str]) -> Sql {
    Sql::new(format!(
        "SELECT projection, owner FROM {schema}.cqrs_leases WHERE projection = ANY ($1) AND until > clock_timestamp()"
    ))
    .with(projections.iter().map(|name| escape(name)).collect::<Vec<_>>(), Type::TEXT_ARRAY)
}

/// The owners that a statement yields, in the order of `projections`.
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

/// The tokens of these projections' newest leases, which nobody else has until the transaction ends.
pub(crate) fn newest(schema: &str, leases: &[Lease]) -> Sql {
    let names: Vec<_> = leases.iter().map(|lease| escape(lease.projection)).collect();
    Sql::new(format!(
        "SELECT projection, token FROM {schema}.cqrs_leases WHERE projection = ANY ($1) ORDER BY projection FOR UPDATE"
    ))
    .with(names, Type::TEXT_ARRAY)
}

/// The leases that a statement yields, in the order of `projections`.
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

/// Refuses what is not the newest lease of its projection. Under the lock it stays so.
pub(crate) fn check(store: &str, rows: &[tokio_postgres::Row], leases: &[Lease]) -> Result<(), StoreError> {
    let newest = stored(store, rows, leases.iter().map(|lease| lease.projection))?;
    match leases.iter().zip(newest).find(|(lease, newest)| newest.as_ref() != Some(lease)) {
        Some((lease, _)) => {
            Err(damaged(store, format!("another process has taken projection `{}` over", lease.projection)))
        }
        None => Ok(()),
    }
}

/// Ends leases now, those that are still the newest.
pub(crate) fn release(schema: &str, leases: &[Lease]) -> Sql {
    Sql::new(format!(
        "UPDATE {schema}.cqrs_leases AS held SET until = '-infinity'
         FROM unnest($1, $2) AS given (projection, token)
         WHERE held.projection = given.projection AND held.token = given.token"
    ))
    .with(leases.iter().map(|lease| escape(lease.projection)).collect::<Vec<_>>(), Type::TEXT_ARRAY)
    .with(leases.iter().map(|lease| lease.token.cast_signed()).collect::<Vec<_>>(), Type::INT8_ARRAY)
}

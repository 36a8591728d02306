//! Searches: a condition that many rows meet is checked along the order, and one that few meet is looked up.

use cqrs_core::log::StoreError;
use cqrs_core::view::{Row, RowQuery, ViewShape};
use rusqlite::Connection;

use crate::filter::{self, FEW, FREQUENT, Probe};
use crate::rows::{number, read};

/// The rows that a search finds.
pub(crate) fn rows(
    connection: &Connection,
    store: &str,
    shape: &ViewShape,
    query: &RowQuery,
) -> Result<Vec<Row>, StoreError> {
    let mut frequent = vec![false; query.filter.conjuncts().len()];
    for Probe { place, sql, is_sorted } in filter::probes(shape, query, store)? {
        let rows = number(connection, store, sql)?;
        if rows <= FEW {
            frequent.fill(true);
            frequent[place] = false;
            break;
        }
        frequent[place] = rows >= u64::from(FREQUENT) && !is_sorted;
    }
    let mut rows = Vec::new();
    let (mut skipped, mut limit) = (0, usize::MAX);
    // Otherwise the one statement does both itself.
    if query.start.is_some() {
        skipped = usize::try_from(query.offset).unwrap_or(usize::MAX);
        limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
    }
    for sql in filter::find(shape, query, &frequent, store)? {
        rows.append(&mut read(connection, store, shape, sql)?);
        if rows.len() >= limit.saturating_add(skipped) {
            break;
        }
    }
    rows.drain(..skipped.min(rows.len()));
    rows.truncate(limit);
    Ok(rows)
}

//! Command records as rows.

use cqrs_core::log::{CommandRecord, ContentHash};
use cqrs_core::{CommandId, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::events::position;
use crate::sql::clamped;

/// When a command was recorded. Older versions did not store it: then it is the time of the
/// command's last event.
const RECORDED_AT: &str = "ifnull(c.recorded_at, ifnull(
    (SELECT e.recorded_at FROM main.cqrs_events e WHERE e.position = c.position), 0))";

/// How many records one transaction looks at when it removes old ones.
const STEP: usize = 5_000;

fn columns() -> String {
    format!("c.id, c.command, c.position, c.events, c.returned, c.content, {RECORDED_AT}")
}

/// The records of commands with these ids.
pub(crate) fn find(connection: &Connection, ids: &[CommandId]) -> rusqlite::Result<Vec<Option<CommandRecord>>> {
    let sql = format!("SELECT {} FROM main.cqrs_commands c WHERE c.id = ?1", columns());
    let mut statement = connection.prepare_cached(&sql)?;
    ids.iter().map(|id| statement.query_row([id.as_str()], record).optional()).collect()
}

/// A page of records, in the order of their ids.
pub(crate) fn page(
    connection: &Connection,
    after: Option<&CommandId>,
    limit: usize,
) -> rusqlite::Result<Vec<CommandRecord>> {
    let sql =
        format!("SELECT {} FROM main.cqrs_commands c WHERE ?1 IS NULL OR c.id > ?1 ORDER BY c.id LIMIT ?2", columns());
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![after.map(CommandId::as_str), clamped(limit as u64)], record)?;
    rows.collect()
}

/// The number of records: all of them, or those from before a time.
pub(crate) fn count(connection: &Connection, before: Option<Timestamp>) -> rusqlite::Result<u64> {
    let sql = format!("SELECT count(*) FROM main.cqrs_commands c WHERE ?1 IS NULL OR {RECORDED_AT} < ?1");
    let number: i64 = connection.query_row(&sql, [before.map(Timestamp::as_micros)], |row| row.get(0))?;
    Ok(number.unsigned_abs())
}

/// Removes the records from before a time among the next [`STEP`] records. Returns how many were
/// removed, and the last id that was looked at, or `None` at the end.
pub(crate) fn forget(
    connection: &Connection,
    after: Option<&str>,
    before: Timestamp,
) -> rusqlite::Result<(u64, Option<String>)> {
    let last = "SELECT id FROM main.cqrs_commands WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT 1 OFFSET ?2";
    let last: Option<String> = connection
        .prepare_cached(last)?
        .query_row(params![after, clamped(STEP as u64)], |row| row.get(0))
        .optional()?;
    let sql = format!(
        "DELETE FROM main.cqrs_commands AS c
         WHERE (?1 IS NULL OR c.id > ?1) AND (?2 IS NULL OR c.id <= ?2) AND {RECORDED_AT} < ?3"
    );
    let removed = connection.prepare_cached(&sql)?.execute(params![after, last, before.as_micros()])?;
    Ok((removed as u64, last))
}

/// Inserts command records.
pub(crate) fn remember(connection: &Connection, records: &[CommandRecord]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO main.cqrs_commands (id, command, position, events, returned, content, recorded_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for record in records {
        statement.execute(params![
            record.id.as_str(),
            &*record.command,
            clamped(record.position.get()),
            record.events,
            &*record.returned,
            record.content.map(|content| content.to_string()),
            record.recorded_at.as_micros(),
        ])?;
    }
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<CommandRecord> {
    let wrong = |column: usize, kind, reason: &str| {
        rusqlite::Error::FromSqlConversionFailure(column, kind, format!("a command record is damaged: {reason}").into())
    };
    let content = match row.get_ref(5)?.as_str_or_null()? {
        None => None,
        Some(text) => {
            Some(ContentHash::parse(text).ok_or_else(|| wrong(5, Type::Text, "its content hash is invalid"))?)
        }
    };
    let recorded_at = Timestamp::from_micros(row.get(6)?);
    Ok(CommandRecord {
        id: CommandId::new(row.get_ref(0)?.as_str()?),
        command: row.get::<_, String>(1)?.into(),
        position: position(row, 2)?,
        events: row.get(3)?,
        returned: row.get(4)?,
        content,
        recorded_at: recorded_at.ok_or_else(|| wrong(6, Type::Integer, "its time is out of range"))?,
    })
}

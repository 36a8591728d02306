//! Command records as rows.

use cqrs_core::log::{CommandRecord, ContentHash, StoreError};
use cqrs_core::{CommandId, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::error::damaged;
use crate::events::{column, position};
use crate::sql::{Micros, Sql};
use crate::text::{clamped, escape, is_shortened, key, unescape};

/// How many records one transaction looks at when it removes old ones.
const STEP: i64 = 5_000;

/// When a command was recorded. Older versions did not store it: then it is the time of the
/// command's last event.
fn recorded_at(schema: &str) -> String {
    format!(
        "coalesce(c.recorded_at, \
         (SELECT e.recorded_at FROM {schema}.cqrs_events e WHERE e.position = c.position), 'epoch')"
    )
}

fn select(schema: &str) -> String {
    let recorded_at = recorded_at(schema);
    format!(
        "SELECT c.id, c.long_id, c.command, c.position, c.events, c.returned, c.content, {recorded_at}
         FROM {schema}.cqrs_commands c"
    )
}

/// The records of commands with these ids.
pub(crate) fn find(schema: &str, ids: &[CommandId]) -> Sql {
    let keys: Vec<String> = ids.iter().map(|id| key(id.as_str())).collect();
    Sql::new(format!("{} WHERE c.id = ANY ($1)", select(schema))).with(keys, Type::TEXT_ARRAY)
}

/// The records in `rows`, in the order of `ids`.
pub(crate) fn found(store: &str, ids: &[CommandId], rows: &[Row]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
    let mut found = std::collections::HashMap::with_capacity(rows.len());
    for row in rows {
        found.insert(column::<&str>(store, row, 0)?, row);
    }
    let one = |id: &CommandId| found.get(&*key(id.as_str())).map(|row| record(store, id.clone(), row)).transpose();
    ids.iter().map(one).collect()
}

/// A page of records, in the order of their keys.
pub(crate) fn page(schema: &str, after: Option<&CommandId>, limit: usize) -> Sql {
    let limit = clamped(limit as u64);
    let select = select(schema);
    match after {
        None => Sql::new(format!("{select} ORDER BY c.id LIMIT $1")).with(limit, Type::INT8),
        Some(after) => Sql::new(format!("{select} WHERE c.id > $2 ORDER BY c.id LIMIT $1"))
            .with(limit, Type::INT8)
            .with(key(after.as_str()), Type::TEXT),
    }
}

/// The records in `rows`.
pub(crate) fn listed(store: &str, rows: &[Row]) -> Result<Vec<CommandRecord>, StoreError> {
    let one = |row: &Row| {
        let (key, long): (&str, Option<&str>) = (column(store, row, 0)?, column(store, row, 1)?);
        if long.is_none() && is_shortened(key) {
            let what = format!(
                "an older program stored the command id that begins with `{}` only as its start and a digest, so it \
                 cannot be listed; remove it with `forget_commands`",
                key.chars().take(60).collect::<String>()
            );
            return Err(damaged(store, what));
        }
        record(store, CommandId::new(&unescape(long.unwrap_or(key))), row)
    };
    rows.iter().map(one).collect()
}

/// The number of records: all of them, or those from before a time.
pub(crate) fn count(schema: &str, before: Option<Timestamp>) -> Sql {
    let count = format!("SELECT count(*) FROM {schema}.cqrs_commands c");
    match before {
        None => Sql::new(count),
        Some(before) => Sql::new(format!("{count} WHERE {} < $1", recorded_at(schema)))
            .with(Micros(before.as_micros()), Type::TIMESTAMPTZ),
    }
}

/// Removes the records from before a time among the next [`STEP`] records. Returns how many were
/// removed, and the last key that was looked at, or null at the end.
pub(crate) fn forget(schema: &str, after: Option<&str>, before: Timestamp) -> Sql {
    let (recorded_at, from) = (recorded_at(schema), if after.is_some() { "WHERE id > $2" } else { "" });
    let sql = Sql::new(format!(
        "WITH page AS (SELECT id FROM {schema}.cqrs_commands {from} ORDER BY id LIMIT {STEP}),
         gone AS (
            DELETE FROM {schema}.cqrs_commands c USING page WHERE c.id = page.id AND {recorded_at} < $1 RETURNING 1
         )
         SELECT (SELECT count(*) FROM gone), CASE WHEN count(*) = {STEP} THEN max(id COLLATE \"C\") END FROM page"
    ))
    .with(Micros(before.as_micros()), Type::TIMESTAMPTZ);
    match after {
        Some(after) => sql.with(after.to_owned(), Type::TEXT),
        None => sql,
    }
}

/// The number in the first column.
pub(crate) fn number(store: &str, rows: &[Row]) -> Result<u64, StoreError> {
    let number = rows.first().map_or(Ok(0), |row| column::<i64>(store, row, 0))?;
    u64::try_from(number).map_err(|_| damaged(store, format!("{number} is not a number of records")))
}

/// Inserts command records.
pub(crate) fn remember(schema: &str, records: &[CommandRecord]) -> Sql {
    let texts = |text: fn(&CommandRecord) -> String| records.iter().map(text).collect::<Vec<String>>();
    let options =
        |text: fn(&CommandRecord) -> Option<String>| records.iter().map(text).collect::<Vec<Option<String>>>();
    let numbers = |number: fn(&CommandRecord) -> i64| records.iter().map(number).collect::<Vec<i64>>();
    let long = |record: &CommandRecord| {
        let escaped = escape(record.id.as_str());
        is_shortened(&key(record.id.as_str())).then_some(escaped)
    };
    Sql::new(format!(
        "INSERT INTO {schema}.cqrs_commands (id, long_id, command, position, events, returned, content, recorded_at)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)"
    ))
    .with(texts(|record| key(record.id.as_str())), Type::TEXT_ARRAY)
    .with(options(long), Type::TEXT_ARRAY)
    .with(texts(|record| escape(&record.command)), Type::TEXT_ARRAY)
    .with(numbers(|record| clamped(record.position.get())), Type::INT8_ARRAY)
    .with(numbers(|record| record.events.into()), Type::INT8_ARRAY)
    .with(texts(|record| escape(&record.returned)), Type::TEXT_ARRAY)
    .with(options(|record| record.content.map(|content| content.to_string())), Type::TEXT_ARRAY)
    .with(
        records.iter().map(|record| Micros(record.recorded_at.as_micros())).collect::<Vec<_>>(),
        Type::TIMESTAMPTZ_ARRAY,
    )
}

fn record(store: &str, id: CommandId, row: &Row) -> Result<CommandRecord, StoreError> {
    let wrong = |reason: String| damaged(store, format!("the record of command `{id}` is damaged: {reason}"));
    let events: i64 = column(store, row, 4)?;
    let events = u32::try_from(events).map_err(|_| wrong(format!("{events} is not a number of events")))?;
    let content = match column::<Option<&str>>(store, row, 6)? {
        None => None,
        Some(text) => Some(ContentHash::parse(text).ok_or_else(|| wrong("its content hash is invalid".into()))?),
    };
    let Micros(micros) = column(store, row, 7)?;
    let recorded_at = Timestamp::from_micros(micros).ok_or_else(|| wrong("its time is out of range".into()))?;
    Ok(CommandRecord {
        command: unescape(column(store, row, 2)?).into(),
        position: position(store, row, 3)?,
        events,
        returned: unescape(column(store, row, 5)?).into(),
        content,
        recorded_at,
        id,
    })
}

//! Events as rows.

use std::sync::Arc;

use cqrs_core::event::{EventHeader, RecordedEvent};
use cqrs_core::log::{Bookmark, Page, Position, StoreError};
use cqrs_core::{Meta, Tag, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::damaged;
use crate::sql::{Micros, Sql};
use crate::text::{array, clamped, escape, key, unescape};

/// The approximate maximum size of the data in one statement, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// The last event, and the id of the event at `after`. Each costs one index step.
pub(crate) fn last(schema: &str, after: Position) -> Sql {
    let at = format!("SELECT id FROM {schema}.cqrs_events WHERE position = $1");
    Sql::new(format!("SELECT position, id, ({at}) FROM {schema}.cqrs_events ORDER BY position DESC LIMIT 1"))
        .with(clamped(after.get()), Type::INT8)
}

/// One row: the id of the event at a position, or null.
pub(crate) fn id_at(schema: &str, position: Position) -> Sql {
    Sql::new(format!("SELECT (SELECT id FROM {schema}.cqrs_events WHERE position = $1)"))
        .with(clamped(position.get()), Type::INT8)
}

/// Decodes the rows of [`last`]: the last event, and the id of the event at the given position.
pub(crate) fn ends(store: &str, rows: &[Row]) -> Result<(Bookmark, Option<Uuid>), StoreError> {
    let Some(row) = rows.first() else { return Ok((Bookmark::START, None)) };
    Ok((Bookmark::new(position(store, row, 0)?, column(store, row, 1)?), column(store, row, 2)?))
}

/// The positions and ids of the events at these positions.
pub(crate) fn ids(schema: &str, bookmarks: &[Bookmark]) -> Sql {
    let positions: Vec<i64> = bookmarks.iter().map(|bookmark| clamped(bookmark.position.get())).collect();
    Sql::new(format!("SELECT position, id FROM {schema}.cqrs_events WHERE position = ANY ($1)"))
        .with(positions, Type::INT8_ARRAY)
}

/// Which of these bookmarks the log holds, according to the rows of [`ids`].
pub(crate) fn holds(store: &str, bookmarks: &[Bookmark], rows: &[Row]) -> Result<Vec<bool>, StoreError> {
    let mut found = std::collections::HashMap::with_capacity(rows.len());
    for row in rows {
        found.insert(position(store, row, 0)?, column::<Uuid>(store, row, 1)?);
    }
    Ok(bookmarks.iter().map(|bookmark| bookmark.agrees_with(found.get(&bookmark.position).copied())).collect())
}

/// A column of a row. An unexpected type is an error, not a panic.
pub(crate) fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
    store: &str,
    row: &'a Row,
    place: usize,
) -> Result<T, StoreError> {
    row.try_get(place).map_err(|error| damaged(store, crate::error::reason(&error)))
}

/// A position in a column.
pub(crate) fn position(store: &str, row: &Row, place: usize) -> Result<Position, StoreError> {
    let number: i64 = column(store, row, place)?;
    u64::try_from(number).map(Position::new).map_err(|_| damaged(store, format!("{number} is not a position")))
}

/// Builds a page from the rows of one or more statements.
///
/// `end` is the last event of a state read earlier: rows after it were committed later, and are
/// dropped. `before` is the id of the event at `after`.
pub(crate) fn page(
    store: &str,
    rows: impl IntoIterator<Item = Row>,
    after: Position,
    limit: usize,
    (end, before): (Bookmark, Option<Uuid>),
) -> Result<Page, StoreError> {
    let mut meta = None;
    let mut events =
        rows.into_iter().map(|row| event(store, &row, &mut meta)).collect::<Result<Vec<RecordedEvent>, _>>()?;
    events.retain(|event| event.position() <= end.position);
    events.sort_by_key(RecordedEvent::position);
    events.dedup_by_key(|event| event.position());
    let more = events.len() > limit;
    events.truncate(limit);
    let Bookmark { position: up_to, event: last } = match events.last() {
        Some(last) if more => last.into(),
        None if !more && end.position > after => end,
        Some(_) => end,
        None => Bookmark { position: after, event: before },
    };
    Ok(Page { events, up_to, last, before, more })
}

/// The metadata of the last event: events of one command follow each other and share it.
type LastMeta = Option<(Box<str>, Arc<Meta>)>;

fn event(store: &str, row: &Row, last: &mut LastMeta) -> Result<RecordedEvent, StoreError> {
    let position = position(store, row, 0)?;
    let wrong = |reason: String| damaged(store, format!("event at position {position} is damaged: {reason}"));
    let version: i64 = column(store, row, 3)?;
    let Micros(micros) = column(store, row, 7)?;
    let header = EventHeader {
        position,
        id: column(store, row, 1)?,
        name: unescape(column(store, row, 2)?).into(),
        version: u32::try_from(version).map_err(|_| wrong(format!("{version} is not a version")))?,
        tags: column::<Vec<&str>>(store, row, 4)?.into_iter().map(|tag| Tag::from_text(&unescape(tag))).collect(),
        meta: meta(column(store, row, 6)?, last).map_err(|error| wrong(error.to_string()))?,
        recorded_at: Timestamp::from_micros(micros)
            .ok_or_else(|| wrong(format!("its time of {micros} µs is out of range")))?,
    };
    Ok(RecordedEvent::new(header, unescape(column(store, row, 5)?).into()))
}

fn meta(text: &str, last: &mut LastMeta) -> Result<Arc<Meta>, serde_json::Error> {
    if let Some((known, meta)) = last
        && **known == *text
    {
        return Ok(Arc::clone(meta));
    }
    let meta = Arc::new(serde_json::from_str(text)?);
    *last = Some((text.into(), Arc::clone(&meta)));
    Ok(meta)
}

/// The columns of some events.
#[derive(Default)]
struct Columns {
    positions: Vec<i64>,
    ids: Vec<Uuid>,
    names: Vec<String>,
    versions: Vec<i64>,
    tags: Vec<String>,
    keys: Vec<String>,
    data: Vec<String>,
    metas: Vec<String>,
    recorded_at: Vec<Micros>,
    bytes: usize,
}

/// Statements that append events whose positions follow `last`.
///
/// Each takes one array per column: it is planned once for any number of events, and sent once.
///
/// They divide by zero in any other transaction than the one with this `token`.
pub(crate) fn append(
    schema: &str,
    store: &str,
    token: &str,
    mut last: Position,
    events: &[RecordedEvent],
) -> Result<Vec<Sql>, StoreError> {
    let mut statements = Vec::new();
    let mut columns = Columns::default();
    let mut meta: Option<(&Arc<Meta>, String)> = None;
    for event in events {
        let header = event.header();
        if header.position != last.next() {
            return Err(damaged(
                store,
                format!("cannot append an event for position {}: the log is at position {last}", header.position),
            ));
        }
        last = header.position;
        let position =
            i64::try_from(last.get()).map_err(|_| damaged(store, "the log is full: positions end at 2^63 - 1"))?;
        if !meta.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, &header.meta)) {
            let text = serde_json::to_string(&*header.meta).map_err(|error| damaged(store, error))?;
            meta = Some((&header.meta, text));
        }
        columns.positions.push(position);
        columns.ids.push(header.id);
        columns.names.push(escape(&header.name));
        columns.versions.push(header.version.into());
        columns.tags.push(array(header.tags.iter().map(|tag| escape(tag.as_str()))));
        columns.keys.push(array(header.tags.iter().map(|tag| key(tag.as_str()))));
        columns.bytes += event.data().len();
        columns.data.push(escape(event.data()));
        columns.metas.push(meta.as_ref().map(|(_, text)| text.clone()).unwrap_or_default());
        columns.recorded_at.push(Micros(header.recorded_at.as_micros()));
        if columns.bytes > MOST_BYTES {
            statements.push(insert(schema, token, std::mem::take(&mut columns)));
        }
    }
    if !columns.positions.is_empty() {
        statements.push(insert(schema, token, columns));
    }
    Ok(statements)
}

fn insert(schema: &str, token: &str, columns: Columns) -> Sql {
    let text = format!(
        "WITH new AS (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
                n (position, id, name, version, tags, keys, data, meta, recorded_at)
            WHERE 1 / (current_setting('cqrs.transaction', true) IS NOT DISTINCT FROM $10)::int = 1
        ), stored AS (
            INSERT INTO {schema}.cqrs_events (position, id, name, version, tags, data, meta, recorded_at)
            SELECT position, id, name, version, tags::text[], data, meta, recorded_at FROM new
        )
        INSERT INTO {schema}.cqrs_event_tags (tag, position, name)
        SELECT tag, position, name FROM new, unnest(keys::text[]) tag ON CONFLICT DO NOTHING"
    );
    Sql::new(text)
        .with(columns.positions, Type::INT8_ARRAY)
        .with(columns.ids, Type::UUID_ARRAY)
        .with(columns.names, Type::TEXT_ARRAY)
        .with(columns.versions, Type::INT8_ARRAY)
        .with(columns.tags, Type::TEXT_ARRAY)
        .with(columns.keys, Type::TEXT_ARRAY)
        .with(columns.data, Type::TEXT_ARRAY)
        .with(columns.metas, Type::TEXT_ARRAY)
        .with(columns.recorded_at, Type::TIMESTAMPTZ_ARRAY)
        .with(token.to_owned(), Type::TEXT)
}

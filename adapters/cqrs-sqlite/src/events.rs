//! Events as rows.

use std::sync::Arc;

use cqrs_core::event::{EventHeader, RecordedEvent};
use cqrs_core::log::{Bookmark, EventQuery, Page, Position, StoreError};
use cqrs_core::{Meta, Timestamp, Uuid};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::error::{damaged, store_error};
use crate::query::statements;
use crate::sql::{bound, clamped};

/// The last event.
pub(crate) fn last(connection: &Connection) -> rusqlite::Result<Bookmark> {
    let sql = "SELECT position, id FROM main.cqrs_events ORDER BY position DESC LIMIT 1";
    let bookmark = |row: &Row<'_>| Ok(Bookmark { position: position(row, 0)?, event: id(row, 1)? });
    Ok(connection.prepare_cached(sql)?.query_row([], bookmark).optional()?.unwrap_or(Bookmark::START))
}

/// The id of the event at a position, if there is one.
pub(crate) fn id_at(connection: &Connection, position: Position) -> rusqlite::Result<Option<Uuid>> {
    let mut statement = connection.prepare_cached("SELECT id FROM main.cqrs_events WHERE position = ?1")?;
    Ok(statement.query_row([clamped(position.get())], |row| id(row, 0)).optional()?.flatten())
}

/// Which of these bookmarks the log holds.
pub(crate) fn holds(connection: &Connection, bookmarks: &[Bookmark]) -> rusqlite::Result<Vec<bool>> {
    let one = |bookmark: &Bookmark| Ok(bookmark.agrees_with(id_at(connection, bookmark.position)?));
    bookmarks.iter().map(one).collect()
}

/// The event id in a nullable column.
pub(crate) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    let wrong =
        |error: uuid::Error| rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, error.to_string().into());
    row.get_ref(column)?.as_blob_or_null()?.map(|bytes| Uuid::from_slice(bytes).map_err(wrong)).transpose()
}

/// Reads the events that match a query, in the state that the connection sees. Its last event is
/// `end`.
pub(crate) fn read(
    connection: &Connection,
    store: &str,
    query: &EventQuery,
    after: Position,
    limit: usize,
    end: Bookmark,
) -> Result<Page, StoreError> {
    let rows = clamped(limit as u64).saturating_add(1);
    let mut reading = Reading { store, meta: None };
    let mut events = Vec::new();
    for statement in statements(query, after, rows) {
        events.append(&mut reading.run(connection, statement)?);
    }
    // One statement returns its events in order; several may return the same event.
    events.sort_by_key(RecordedEvent::position);
    events.dedup_by_key(|event| event.position());
    let more = events.len() > limit;
    events.truncate(limit);
    let before = id_at(connection, after).map_err(|error| store_error(store, &error))?;
    let Bookmark { position: up_to, event: last } = match events.last() {
        Some(last) if more => last.into(),
        None if !more && end.position > after => end,
        Some(_) => end,
        None => Bookmark { position: after, event: before },
    };
    Ok(Page { events, up_to, last, before, more })
}

struct Reading<'a> {
    store: &'a str,
    /// The metadata of the last event: events of one command follow each other and share it.
    meta: Option<(Box<str>, Arc<Meta>)>,
}

impl Reading<'_> {
    fn run(
        &mut self,
        connection: &Connection,
        statement: crate::query::Statement,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let store = self.store;
        let failed = |error: rusqlite::Error| store_error(store, &error);
        let parameters = params_from_iter(bound(statement.sql.parameters));
        let mut events = Vec::new();
        if statement.recurs {
            let mut statement = connection.prepare_cached(&statement.sql.text).map_err(failed)?;
            let mut rows = statement.query(parameters).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                events.push(self.event(row).map_err(failed)?);
            }
        } else {
            let mut statement = connection.prepare(&statement.sql.text).map_err(failed)?;
            let mut rows = statement.query(parameters).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                events.push(self.event(row).map_err(failed)?);
            }
        }
        Ok(events)
    }

    fn event(&mut self, row: &Row<'_>) -> rusqlite::Result<RecordedEvent> {
        let position = position(row, 0)?;
        let wrong = |column: usize, kind, reason: String| {
            let reason = format!("event at position {position} is damaged: {reason}");
            rusqlite::Error::FromSqlConversionFailure(column, kind, reason.into())
        };
        let id = id(row, 1)?.ok_or_else(|| wrong(1, Type::Null, "it has no id".into()))?;
        let tags =
            serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(|error| wrong(4, Type::Text, error.to_string()))?;
        let meta = self.meta(row.get_ref(6)?.as_str()?).map_err(|error| wrong(6, Type::Text, error.to_string()))?;
        let micros = row.get(7)?;
        let recorded_at = Timestamp::from_micros(micros)
            .ok_or_else(|| wrong(7, Type::Integer, format!("its time of {micros} µs is out of range")))?;
        let header = EventHeader {
            position,
            id,
            name: row.get::<_, String>(2)?.into(),
            version: row.get(3)?,
            tags,
            meta,
            recorded_at,
        };
        Ok(RecordedEvent::new(header, row.get_ref(5)?.as_str()?.into()))
    }

    fn meta(&mut self, text: &str) -> Result<Arc<Meta>, serde_json::Error> {
        if let Some((known, meta)) = &self.meta
            && **known == *text
        {
            return Ok(Arc::clone(meta));
        }
        let meta = Arc::new(serde_json::from_str(text)?);
        self.meta = Some((text.into(), Arc::clone(&meta)));
        Ok(meta)
    }
}

pub(crate) fn position(row: &Row<'_>, column: usize) -> rusqlite::Result<Position> {
    let number: i64 = row.get(column)?;
    let number = u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))?;
    Ok(Position::new(number))
}

/// Appends events whose positions follow `last`.
///
/// Each row is one execution of a prepared statement. There is no network, so a statement for many
/// rows saves nothing, and each length of it has to be parsed. The bench `append` compares them.
pub(crate) fn append(
    connection: &Connection,
    store: &str,
    mut last: Position,
    events: &[RecordedEvent],
) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| store_error(store, &error);
    let unwritable = |error: serde_json::Error| damaged(store, error);
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO main.cqrs_events (position, id, name, version, tags, data, meta, recorded_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .map_err(failed)?;
    let mut tag_insert = connection
        .prepare_cached("INSERT OR IGNORE INTO main.cqrs_event_tags (tag, position, name) VALUES (?1, ?2, ?3)")
        .map_err(failed)?;
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
            meta = Some((&header.meta, serde_json::to_string(&*header.meta).map_err(unwritable)?));
        }
        let tags = serde_json::to_string(&header.tags).map_err(unwritable)?;
        insert
            .execute(params![
                position,
                header.id.as_bytes().as_slice(),
                &*header.name,
                header.version,
                tags,
                event.data(),
                meta.as_ref().map(|(_, text)| text),
                header.recorded_at.as_micros(),
            ])
            .map_err(failed)?;
        for tag in &header.tags {
            tag_insert.execute(params![tag.as_str(), position, &*header.name]).map_err(failed)?;
        }
    }
    Ok(())
}

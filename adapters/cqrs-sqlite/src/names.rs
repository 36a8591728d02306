//! The register of names of a log.

use std::sync::Arc;

use cqrs_core::log::{
    BoxFuture, Declaration, DeclaredName, LogTransaction, NameKind, NameRegister, StoreError, StoredNames,
};
use cqrs_core::{Tag, Timestamp};
use rusqlite::{Connection, params};

use crate::error::store_error;
use crate::shared::Shared;

/// The names of events, tags and policies in a log.
pub(crate) struct SqliteNames {
    shared: Arc<Shared>,
}

impl SqliteNames {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

/// Selects each event name once, with one index step for each name.
pub(crate) const EVENTS: &str = "
    WITH RECURSIVE names (name) AS (
        SELECT min(name) FROM main.cqrs_events
        UNION ALL
        SELECT (SELECT min(e.name) FROM main.cqrs_events e WHERE e.name > names.name) FROM names WHERE name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL";

/// Selects the first tag of each prefix, with one index step for each prefix. `;` is the character
/// after `:`.
pub(crate) const TAGS: &str = "
    WITH RECURSIVE tags (tag) AS (
        SELECT min(tag) FROM main.cqrs_event_tags
        UNION ALL
        SELECT (
            SELECT min(t.tag) FROM main.cqrs_event_tags t WHERE t.tag > CASE instr(tags.tag, ':')
                WHEN 0 THEN tags.tag ELSE substr(tags.tag, 1, instr(tags.tag, ':') - 1) || ';'
            END
        ) FROM tags WHERE tag IS NOT NULL
    )
    SELECT tag FROM tags WHERE instr(tag, ':') > 1";

impl NameRegister for SqliteNames {
    fn stored(&self) -> BoxFuture<'_, Result<StoredNames, StoreError>> {
        Box::pin(self.shared.readers.read(|connection, store| {
            let texts = |sql| texts(connection, sql).map_err(|error| store_error(store, &error));
            let tags = texts(TAGS)?.iter().map(|tag| Tag::from_text(tag)).collect();
            Ok(StoredNames { events: texts(EVENTS)?, tags })
        }))
    }

    fn declared(&self) -> BoxFuture<'_, Result<Vec<DeclaredName>, StoreError>> {
        Box::pin(
            self.shared
                .readers
                .read(|connection, store| declared(connection).map_err(|error| store_error(store, &error))),
        )
    }

    fn declare<'a>(&'a self, names: &'a [Declaration]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut locked = self.shared.begin().await?;
            locked.run(|connection, store| declare(connection, names).map_err(|error| store_error(store, &error)))?;
            LogTransaction::commit(Box::new(locked)).await
        })
    }
}

fn texts(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn declared(connection: &Connection) -> rusqlite::Result<Vec<DeclaredName>> {
    let mut statement = connection
        .prepare_cached("SELECT kind, name, generation, declared_at, declared_by, replaced_by FROM main.cqrs_names")?;
    let rows = statement.query_map([], |row| {
        // A newer version may have more kinds: this one ignores them.
        let Some(kind) = NameKind::from_text(&row.get::<_, String>(0)?) else { return Ok(None) };
        let declaration = Declaration {
            kind,
            name: row.get(1)?,
            by: row.get(4)?,
            at: Timestamp::from_micros(row.get(3)?).unwrap_or_else(Timestamp::now),
            replaced_by: row.get(5)?,
        };
        Ok(Some(DeclaredName { declaration, generation: row.get::<_, i64>(2)?.cast_unsigned() }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

fn declare(connection: &Connection, names: &[Declaration]) -> rusqlite::Result<()> {
    let generation: i64 =
        connection.query_row("SELECT coalesce(max(generation), 0) + 1 FROM main.cqrs_names", [], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO main.cqrs_names (kind, name, generation, declared_at, declared_by, replaced_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (kind, name) DO UPDATE SET replaced_by = coalesce(excluded.replaced_by, replaced_by)",
    )?;
    for Declaration { kind, name, by, at, replaced_by } in names {
        statement.execute(params![kind.as_str(), name, generation, at.as_micros(), by, replaced_by])?;
    }
    Ok(())
}

//! The register of names of a log.

use std::sync::Arc;

use cqrs_core::log::{
    BoxFuture, Declaration, DeclaredName, LogTransaction, NameKind, NameRegister, StoreError, StoredNames,
};
use cqrs_core::{Tag, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::events::column;
use crate::shared::Shared;
use crate::sql::Sql;
use crate::text::{escape, unescape};

/// The names of events, tags and policies in a log.
pub(crate) struct PostgresNames {
    shared: Arc<Shared>,
}

impl PostgresNames {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

/// Selects each event name once, with one index step for each name.
pub(crate) fn events(schema: &str) -> Sql {
    Sql::new(format!(
        "WITH RECURSIVE names (name) AS (
             SELECT min(name) FROM {schema}.cqrs_events
             UNION ALL
             SELECT (SELECT min(e.name) FROM {schema}.cqrs_events e WHERE e.name > names.name)
             FROM names WHERE name IS NOT NULL
         )
         SELECT name FROM names WHERE name IS NOT NULL"
    ))
}

/// Selects the first tag of each prefix, with one index step for each prefix. `;` is the character
/// after `:`.
pub(crate) fn tags(schema: &str) -> Sql {
    Sql::new(format!(
        "WITH RECURSIVE tags (tag) AS (
             SELECT min(tag) FROM {schema}.cqrs_event_tags
             UNION ALL
             SELECT (
                 SELECT min(t.tag) FROM {schema}.cqrs_event_tags t
                 WHERE t.tag > CASE strpos(tags.tag, ':')
                     WHEN 0 THEN tags.tag ELSE left(tags.tag, strpos(tags.tag, ':') - 1) || ';'
                 END
             ) FROM tags WHERE tag IS NOT NULL
         )
         SELECT tag FROM tags WHERE strpos(tag, ':') > 1"
    ))
}

fn declared(schema: &str) -> Sql {
    Sql::new(format!("SELECT kind, name, generation, declared_at, declared_by, replaced_by FROM {schema}.cqrs_names"))
}

impl NameRegister for PostgresNames {
    fn stored(&self) -> BoxFuture<'_, Result<StoredNames, StoreError>> {
        Box::pin(async {
            let schema = &self.shared.schema;
            let answers = self.shared.readers.read(vec![events(schema), tags(schema)]).await?;
            let texts = |place: usize| {
                let rows = answers.get(place).map_or(&[][..], Vec::as_slice);
                rows.iter().map(|row| self.text(row, 0)).collect::<Result<Vec<String>, _>>()
            };
            let tags = texts(1)?.iter().map(|tag| Tag::from_text(tag)).collect();
            Ok(StoredNames { events: texts(0)?, tags })
        })
    }

    fn declared(&self) -> BoxFuture<'_, Result<Vec<DeclaredName>, StoreError>> {
        Box::pin(async {
            let answers = self.shared.readers.read(vec![declared(&self.shared.schema)]).await?;
            answers.iter().flatten().filter_map(|row| self.declared_name(row).transpose()).collect()
        })
    }

    fn declare<'a>(&'a self, names: &'a [Declaration]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut locked = self.shared.begin().await?;
            locked.send(declare(&self.shared.schema, names)).await?;
            LogTransaction::commit(Box::new(locked)).await
        })
    }
}

impl PostgresNames {
    fn text(&self, row: &Row, place: usize) -> Result<String, StoreError> {
        column::<&str>(&self.shared.place.store, row, place).map(unescape)
    }

    /// Decodes a declared name. `None` for a kind that only newer versions have.
    fn declared_name(&self, row: &Row) -> Result<Option<DeclaredName>, StoreError> {
        let store = &self.shared.place.store;
        let Some(kind) = NameKind::from_text(&self.text(row, 0)?) else { return Ok(None) };
        let declaration = Declaration {
            kind,
            name: self.text(row, 1)?,
            by: self.text(row, 4)?,
            at: Timestamp::from_micros(column(store, row, 3)?).unwrap_or_else(Timestamp::now),
            replaced_by: column::<Option<&str>>(store, row, 5)?.map(unescape),
        };
        Ok(Some(DeclaredName { declaration, generation: column::<i64>(store, row, 2)?.cast_unsigned() }))
    }
}

fn declare(schema: &str, names: &[Declaration]) -> Sql {
    let texts = |text: fn(&Declaration) -> &str| names.iter().map(|name| escape(text(name))).collect::<Vec<_>>();
    let replaced: Vec<Option<String>> = names.iter().map(|name| name.replaced_by.as_deref().map(escape)).collect();
    Sql::new(format!(
        "INSERT INTO {schema}.cqrs_names AS n (kind, name, generation, declared_at, declared_by, replaced_by)
         SELECT u.kind, u.name, (SELECT coalesce(max(generation), 0) + 1 FROM {schema}.cqrs_names),
             u.declared_at, u.declared_by, u.replaced_by
         FROM unnest($1, $2, $3, $4, $5) AS u (kind, name, declared_at, declared_by, replaced_by)
         ON CONFLICT (kind, name) DO UPDATE SET replaced_by = coalesce(excluded.replaced_by, n.replaced_by)"
    ))
    .with(texts(|name| name.kind.as_str()), Type::TEXT_ARRAY)
    .with(texts(|name| &name.name), Type::TEXT_ARRAY)
    .with(names.iter().map(|name| name.at.as_micros()).collect::<Vec<_>>(), Type::INT8_ARRAY)
    .with(texts(|name| &name.by), Type::TEXT_ARRAY)
    .with(replaced, Type::TEXT_ARRAY)
}

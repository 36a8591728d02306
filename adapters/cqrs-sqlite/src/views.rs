//! The views that live in the log's file.

use std::any::Any;
use std::sync::Arc;

use cqrs_runtime::log::{BoxFuture, DatabaseInfo, StoreError};
use cqrs_runtime::view::{
    Checkpoint, ColumnKind, Filter, Parked, Row, RowQuery, Value, ViewShape, ViewStore, ViewTransaction,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::store_error;
use crate::filter;
use crate::log::Shared;
use crate::rows;
use crate::sql::quoted;
use crate::transaction::{Locked, Sqlite};

/// The views of a log.
pub(crate) struct SqliteViews {
    shared: Arc<Shared>,
}

impl SqliteViews {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl ViewStore for SqliteViews {
    fn describe(&self) -> String {
        self.shared.store.to_string()
    }

    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let wanted = *shape;
            let is_prepared = self.shared.readers.read(move |connection, store| {
                is_prepared(connection, &wanted).map_err(|error| store_error(store, &error))
            });
            if is_prepared.await? {
                return Ok(());
            }
            let mut locked = self.shared.begin().await?;
            locked.run(|connection, store| make_table(connection, store, shape))?;
            locked.commit().await
        })
    }

    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        let (shape, sql) = (*shape, rows::by_keys(shape, keys));
        Box::pin(self.shared.readers.read(move |connection, store| rows::read(connection, store, &shape, sql)))
    }

    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async {
            let (shape, sql) = (*shape, filter::find(shape, query, &self.shared.store)?);
            self.shared.readers.read(move |connection, store| rows::read(connection, store, &shape, sql)).await
        })
    }

    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async {
            let sql = filter::count(shape, filter, &self.shared.store)?;
            self.shared.readers.read(move |connection, store| rows::number(connection, store, sql)).await
        })
    }

    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        let projection = projection.to_owned();
        Box::pin(self.shared.readers.read(move |connection, store| {
            rows::checkpoint(connection, &projection).map_err(|error| store_error(store, &error))
        }))
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(
            self.shared
                .readers
                .read(|connection, store| rows::parked(connection).map_err(|error| store_error(store, &error))),
        )
    }

    fn database(&self) -> Option<DatabaseInfo> {
        Some(DatabaseInfo::of::<Sqlite>())
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Any + Send>, StoreError>> {
        Box::pin(async { Ok(Box::new(self.shared.readers.take().await?) as Box<dyn Any + Send>) })
    }
}

fn is_prepared(connection: &Connection, shape: &ViewShape) -> rusqlite::Result<bool> {
    let sql = "SELECT fingerprint FROM main.cqrs_shapes WHERE view = ?1";
    let known: Option<i64> = connection.query_row(sql, [shape.name], |row| row.get(0)).optional()?;
    Ok(known == Some(shape.fingerprint.cast_signed()))
}

/// Makes the table of a view, in place of one of another shape.
pub(crate) fn make_table(connection: &Connection, store: &str, shape: &ViewShape) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| store_error(store, &error);
    if is_prepared(connection, shape).map_err(failed)? {
        return Ok(());
    }
    connection.execute_batch(&table_sql(shape)).map_err(failed)?;
    // Left by an earlier program of this shape: it claims rows that are gone.
    rows::unclaim(connection, shape).map_err(failed)?;
    connection
        .execute(
            "INSERT OR REPLACE INTO main.cqrs_shapes (view, fingerprint) VALUES (?1, ?2)",
            params![shape.name, shape.fingerprint.cast_signed()],
        )
        .map_err(failed)?;
    Ok(())
}

/// The columns of a view bear the names of its fields, our own begin with `cqrs_`: SQL of the application's may read them.
fn table_sql(shape: &ViewShape) -> String {
    let table = rows::table(shape.name);
    let mut columns = vec![
        "cqrs_key TEXT NOT NULL PRIMARY KEY".to_owned(),
        "cqrs_position INTEGER NOT NULL".to_owned(),
        "cqrs_document TEXT NOT NULL".to_owned(),
    ];
    let mut indexes = Vec::new();
    for (number, index) in shape.indexes.iter().enumerate() {
        let kind = match index.kind {
            ColumnKind::Bool | ColumnKind::Integer => "INTEGER",
            ColumnKind::Real => "REAL",
            ColumnKind::Text => "TEXT",
        };
        let column = quoted(index.name);
        columns.push(format!("{column} {kind}"));
        // With the key, so that rows of one value come sorted by it.
        indexes.push(format!(
            "CREATE INDEX main.{} ON {} ({column}, cqrs_key);",
            quoted(&format!("cqrs_index_{number}_{}", rows::lower(shape.name))),
            quoted(&rows::table_name(shape.name)),
        ));
    }
    let (columns, indexes) = (columns.join(", "), indexes.join("\n"));
    format!("DROP TABLE IF EXISTS {table};\nCREATE TABLE {table} ({columns}) STRICT;\n{indexes}")
}

/// A future of a statement that runs as it is polled.
macro_rules! now {
    ($self:ident, |$connection:ident| $statement:expr) => {
        Box::pin(async move {
            $self.run(|$connection, store| $statement.map_err(|error: rusqlite::Error| store_error(store, &error)))
        })
    };
}

impl ViewTransaction for Locked {
    fn rows<'a>(&'a mut self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            self.run(|connection, store| rows::read(connection, store, shape, rows::by_keys(shape, keys)))
        })
    }

    fn rows_by<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        index: &'static str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            self.run(|connection, store| {
                rows::read(connection, store, shape, filter::rows_by(shape, index, values, store)?)
            })
        })
    }

    fn write<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        put: &'a [Row],
        remove: &'a [String],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        now!(self, |connection| rows::write(connection, shape, put, remove))
    }

    fn clear<'a>(
        &'a mut self,
        shape: Option<&'a ViewShape>,
        projection: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        now!(self, |connection| rows::clear(connection, shape, projection))
    }

    fn checkpoints<'a>(
        &'a mut self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<Checkpoint>>, StoreError>> {
        now!(self, |connection| projections
            .iter()
            .map(|name| rows::checkpoint(connection, name))
            .collect::<Result<_, _>>())
    }

    fn set_checkpoints<'a>(
        &'a mut self,
        checkpoints: &'a [(&'static str, Checkpoint)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        now!(self, |connection| rows::set_checkpoints(connection, checkpoints))
    }

    fn parked(&mut self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        now!(self, |connection| rows::parked(connection))
    }

    fn park<'a>(&'a mut self, parked: &'a [Parked]) -> BoxFuture<'a, Result<(), StoreError>> {
        now!(self, |connection| rows::park(connection, parked))
    }

    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        Some(self.handlers())
    }

    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let sql = format!("SAVEPOINT cqrs_{}", self.savepoints + 1);
            self.run(|connection, store| connection.execute_batch(&sql).map_err(|error| store_error(store, &error)))?;
            self.savepoints += 1;
            Ok(())
        })
    }

    fn end_savepoint(&mut self, undo: bool) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let name = format!("cqrs_{}", self.savepoints);
            let sql = if undo { format!("ROLLBACK TO {name}; RELEASE {name}") } else { format!("RELEASE {name}") };
            self.run(|connection, store| connection.execute_batch(&sql).map_err(|error| store_error(store, &error)))?;
            self.savepoints -= 1;
            Ok(())
        })
    }
}

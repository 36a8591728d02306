//! Views in a file: the log's, or a file of their own.

use std::any::Any;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cqrs_core::log::{BoxFuture, DatabaseInfo, StoreError};
use cqrs_core::view::store::no_sum;
use cqrs_core::view::{
    Checkpoint, ColumnKind, Contents, Filter, Generation, IndexShape, Lease, Parked, Removal, Removed, Row, RowQuery,
    StandaloneTransaction, Value, ViewShape, ViewStore, ViewTransaction,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{OpenError, store_error};
use crate::options::{Synchronous, builder};
use crate::pool::Snapshot;
use crate::search;
use crate::shared::Shared;
use crate::sql::quoted;
use crate::transaction::{Locked, Sqlite};
use crate::{contents, filter, leases, rows};

/// Views in an `SQLite` file: a read database of its own (level 2), which projections keep up to
/// date with the log. Clones share it.
///
/// ```no_run
/// use cqrs_runtime::App;
/// use cqrs_sqlite::{SqliteLog, SqliteViews};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let (log, views) = (SqliteLog::open("shop.db").await?, SqliteViews::open("views.db").await?);
/// let app = App::builder().log(log).views(views).build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteViews {
    shared: Arc<Shared>,
    /// Where it reads. `None`: the newest state.
    snapshot: Option<Arc<Snapshot>>,
}

impl fmt::Debug for SqliteViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteViews").field("store", &self.shared.store).finish_non_exhaustive()
    }
}

builder!(
    /// Options for [`SqliteViews::builder`].
    SqliteViewsBuilder,
    SqliteViews,
    "[`Synchronous::Normal`]: views that a power failure loses are folded again from the log",
    Synchronous::Normal
);

impl SqliteViews {
    /// Opens a file for views, and creates it if it is missing. For options:
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder(path).open().await
    }

    /// Opens a file for views, with options.
    pub fn builder(path: impl AsRef<Path>) -> SqliteViewsBuilder {
        SqliteViewsBuilder::new(path.as_ref())
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, snapshot: None }
    }

    async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &str) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        match &self.snapshot {
            None => self.shared.readers.read(read).await,
            Some(snapshot) => snapshot.read(&self.shared.readers, read).await,
        }
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
        Box::pin(self.read(move |connection, store| rows::read(connection, store, &shape, sql)))
    }

    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async {
            let (shape, query) = (*shape, query.clone());
            self.read(move |connection, store| search::rows(connection, store, &shape, &query)).await
        })
    }

    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async {
            let sql = filter::count(shape, filter, &self.shared.store)?;
            self.read(move |connection, store| rows::number(connection, store, sql)).await
        })
    }

    fn exists<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async {
            let sql = filter::exists(shape, filter, &self.shared.store)?;
            let exists = self.read(move |connection, store| rows::number(connection, store, sql));
            Ok(exists.await? > 0)
        })
    }

    fn count_by<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
        limit: Option<u32>,
    ) -> BoxFuture<'a, Result<Vec<(Value, u64)>, StoreError>> {
        Box::pin(async move {
            let sql = filter::count_by(shape, filter, index, limit, &self.shared.store)?;
            let kind = filter::kind(shape, index, &self.shared.store)?;
            self.read(move |connection, store| rows::counted(connection, store, kind, sql)).await
        })
    }

    fn sum<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
    ) -> BoxFuture<'a, Result<Value, StoreError>> {
        Box::pin(async move {
            let sql = filter::sum(shape, filter, index, &self.shared.store)?;
            let kind = filter::kind(shape, index, &self.shared.store)?;
            if !matches!(kind, ColumnKind::Integer | ColumnKind::Real) {
                return Err(no_sum(self.describe(), shape, index));
            }
            let sum = self.read(move |connection, store| rows::sum(connection, store, kind, sql));
            sum.await?.ok_or_else(|| no_sum(self.describe(), shape, index))
        })
    }

    fn snapshot(&self) -> Option<Arc<dyn ViewStore>> {
        Some(Arc::new(Self { shared: Arc::clone(&self.shared), snapshot: Some(Arc::default()) }))
    }

    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        let projection = projection.to_owned();
        Box::pin(self.read(move |connection, store| {
            rows::checkpoint(connection, &projection).map_err(|error| store_error(store, &error))
        }))
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(self.read(|connection, store| rows::parked(connection).map_err(|error| store_error(store, &error))))
    }

    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        Box::pin(async {
            let mut locked = self.shared.begin().await?;
            locked.run(|connection, store| leases::check(connection, store, leases))?;
            Ok(Box::new(locked) as Box<dyn StandaloneTransaction>)
        })
    }

    fn lease<'a>(
        &'a self,
        projections: &'a [&'static str],
        owner: &'a str,
        time: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Lease>>, StoreError>> {
        Box::pin(async move {
            let presence = &self.shared.presence;
            let mut locked = self.shared.begin().await?;
            let taken = locked.run(|connection, store| {
                let take = |projection: &&'static str| leases::take(connection, projection, owner, time, presence);
                projections.iter().map(take).collect::<Result<_, _>>().map_err(|error| store_error(store, &error))
            })?;
            locked.commit().await?;
            Ok(taken)
        })
    }

    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        let (projections, shared) = (projections.to_vec(), Arc::clone(&self.shared));
        Box::pin(self.shared.readers.read(move |connection, store| {
            let holder = |projection: &&'static str| leases::holder(connection, projection, &shared.presence);
            projections.iter().map(holder).collect::<Result<_, _>>().map_err(|error| store_error(store, &error))
        }))
    }

    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let mut locked = self.shared.begin().await?;
            locked.run(|connection, store| {
                leases::release(connection, leases).map_err(|error| store_error(store, &error))
            })?;
            locked.commit().await
        })
    }

    fn contents(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        Box::pin(
            self.shared
                .readers
                .read(|connection, store| contents::read(connection).map_err(|error| store_error(store, &error))),
        )
    }

    fn remove<'a>(
        &'a self,
        removal: &'a Removal,
        mark: &'a str,
        unused: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut locked = self.shared.begin().await?;
            let removed = locked.run(|connection, store| {
                contents::remove(connection, removal, mark, unused).map_err(|error| store_error(store, &error))
            })?;
            if removed {
                locked.commit().await?;
            }
            Ok(removed)
        })
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

/// Creates the table of a view. Replaces one of another shape.
pub(crate) fn make_table(connection: &Connection, store: &str, shape: &ViewShape) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| store_error(store, &error);
    if is_prepared(connection, shape).map_err(failed)? {
        return Ok(());
    }
    rows::drop_tables(connection, shape.name).map_err(failed)?;
    connection.execute_batch(&table_sql(shape)).map_err(failed)?;
    // An earlier program with this shape may have left a checkpoint for rows that are gone.
    rows::unclaim(connection, shape).map_err(failed)?;
    connection
        .execute(
            "INSERT OR REPLACE INTO main.cqrs_shapes (view, fingerprint) VALUES (?1, ?2)",
            params![shape.name, shape.fingerprint.cast_signed()],
        )
        .map_err(failed)?;
    Ok(())
}

/// Replaces one build of a view with another.
fn replace(connection: &Connection, live: &Generation, next: &Generation) -> rusqlite::Result<()> {
    let built = rows::table(next.shape.name);
    rows::drop_tables(connection, live.shape.name)?;
    connection.execute_batch(&format!(
        "ALTER TABLE {built} RENAME TO {};\n{}\n{}\n{}",
        quoted(&rows::table_name(live.shape.name)),
        renamed_values_sql(live, next),
        // Renaming a table keeps the names of its indexes.
        drop_indexes_sql(&next.shape),
        indexes_sql(&live.shape),
    ))?;
    let fingerprint = live.shape.fingerprint.cast_signed();
    connection.execute("DELETE FROM main.cqrs_shapes WHERE view = ?1", [next.shape.name])?;
    connection.execute(
        "INSERT OR REPLACE INTO main.cqrs_shapes (view, fingerprint) VALUES (?1, ?2)",
        params![live.shape.name, fingerprint],
    )?;
    for table in ["cqrs_checkpoints", "cqrs_parked"] {
        connection.execute(&format!("DELETE FROM main.{table} WHERE projection = ?1"), [live.projection])?;
        connection.execute(
            &format!("UPDATE main.{table} SET projection = ?1 WHERE projection = ?2"),
            [live.projection, next.projection],
        )?;
    }
    connection.execute(
        "UPDATE main.cqrs_checkpoints SET fingerprint = ?1 WHERE projection = ?2",
        params![fingerprint, live.projection],
    )?;
    Ok(())
}

/// A view's columns have the names of its fields, and the framework's begin with `cqrs_`: the
/// application's SQL may read them.
fn table_sql(shape: &ViewShape) -> String {
    let table = rows::table(shape.name);
    let mut columns = vec![
        "cqrs_key TEXT NOT NULL PRIMARY KEY".to_owned(),
        "cqrs_position INTEGER NOT NULL".to_owned(),
        "cqrs_document TEXT NOT NULL".to_owned(),
    ];
    for index in shape.indexes {
        columns.push(format!("{} {}", quoted(index.name), column_type(index.kind)));
    }
    let (columns, indexes) = (columns.join(", "), indexes_sql(shape));
    format!("CREATE TABLE {table} ({columns}) STRICT;\n{}{indexes}", values_sql(shape))
}

/// The tables of the multi-valued indexes: a row for each value of each row.
fn values_sql(shape: &ViewShape) -> String {
    let table = |(place, index): (usize, &IndexShape)| {
        let table = rows::multi_table(shape.name, place);
        let value = column_type(index.kind);
        format!(
            "CREATE TABLE {table} (cqrs_key TEXT NOT NULL, cqrs_value {value} NOT NULL, PRIMARY KEY (cqrs_key, cqrs_value))
             STRICT, WITHOUT ROWID;\n"
        )
    };
    shape.multi_indexes.iter().enumerate().map(table).collect()
}

fn renamed_values_sql(live: &Generation, next: &Generation) -> String {
    let renamed = |place| {
        let name = quoted(&rows::multi_name(live.shape.name, place));
        format!("ALTER TABLE {} RENAME TO {name};\n", rows::multi_table(next.shape.name, place))
    };
    (0..next.shape.multi_indexes.len()).map(renamed).collect()
}

fn column_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Bool | ColumnKind::Integer => "INTEGER",
        ColumnKind::Real => "REAL",
        ColumnKind::Text => "TEXT",
    }
}

fn indexes_sql(shape: &ViewShape) -> String {
    let index = |(number, index): (usize, &IndexShape)| {
        // The key is part of the index, so that rows with one value are sorted by key.
        format!(
            "CREATE INDEX main.{} ON {} ({}, cqrs_key);",
            quoted(&index_name(shape, number)),
            quoted(&rows::table_name(shape.name)),
            quoted(index.name),
        )
    };
    let values = |place: usize| {
        let table = quoted(&rows::multi_name(shape.name, place));
        format!("CREATE INDEX main.{} ON {table} (cqrs_value, cqrs_key);", quoted(&values_index_name(shape, place)))
    };
    let compound = |(number, compound): (usize, &&[&str])| {
        let columns = compound.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
        let table = quoted(&rows::table_name(shape.name));
        format!("CREATE INDEX main.{} ON {table} ({columns}, cqrs_key);", quoted(&compound_name(shape, number)))
    };
    let compounds = shape.compounds.iter().enumerate().map(compound);
    let indexes = shape.indexes.iter().enumerate().map(index).chain(compounds);
    indexes.chain((0..shape.multi_indexes.len()).map(values)).collect::<Vec<_>>().join("\n")
}

fn drop_indexes_sql(shape: &ViewShape) -> String {
    let indexes = (0..shape.indexes.len()).map(|number| index_name(shape, number));
    let values = (0..shape.multi_indexes.len()).map(|place| values_index_name(shape, place));
    let compounds = (0..shape.compounds.len()).map(|number| compound_name(shape, number));
    let drop = |name: String| format!("DROP INDEX main.{};", quoted(&name));
    indexes.chain(values).chain(compounds).map(drop).collect::<Vec<_>>().join("\n")
}

fn compound_name(shape: &ViewShape, number: usize) -> String {
    format!("cqrs_compound_{number}{}", rows::lower(shape.name))
}

fn values_index_name(shape: &ViewShape, place: usize) -> String {
    format!("cqrs_multi_index_{place}{}", rows::lower(shape.name))
}

fn index_name(shape: &ViewShape, number: usize) -> String {
    format!("cqrs_index_{number}_{}", rows::lower(shape.name))
}

/// A future for a statement that runs when it is polled.
macro_rules! now {
    ($self:ident, |$connection:ident| $statement:expr) => {
        Box::pin(async move {
            $self.run(|$connection, store| $statement.map_err(|error: rusqlite::Error| store_error(store, &error)))
        })
    };
}

impl StandaloneTransaction for Locked {
    fn prepare<'a>(&'a mut self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.run(|connection, store| make_table(connection, store, shape)) })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin((*self).commit())
    }
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
        remove: &'a [Removed],
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

    fn unpark<'a>(&'a mut self, projection: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        now!(self, |connection| rows::unpark(connection, projection, key))
    }

    fn replace(&mut self, live: Generation, next: Generation) -> BoxFuture<'_, Result<(), StoreError>> {
        now!(self, |connection| replace(connection, &live, &next))
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

//! Views in a schema: the log's, or a schema of their own.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cqrs_core::log::{BoxFuture, DatabaseInfo, Position, StoreError};
use cqrs_core::view::store::no_sum;
use cqrs_core::view::{
    Checkpoint, ColumnKind, Contents, Filter, Generation, Lease, Parked, Removal, Removed, Row, RowQuery,
    StandaloneTransaction, Value, ViewShape, ViewStore, ViewTransaction,
};
use tokio_postgres::types::Type;

use crate::error::OpenError;
use crate::options::builder;
use crate::pool::Snapshot;
use crate::shared::Shared;
use crate::sql::Sql;
use crate::text::{escape, quoted, unescape};
use crate::transaction::{Locked, Postgres};
use crate::{contents, events, filter, leases, rows};

/// Views in a PostgreSQL schema: a read database of its own (level 2), which projections keep up to
/// date with the log. Clones share it.
///
/// ```no_run
/// use cqrs_postgres::{PostgresLog, PostgresViews};
/// use cqrs_runtime::App;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let log = PostgresLog::open("postgres://localhost/shop").await?;
/// let views = PostgresViews::open("postgres://elsewhere/reports").await?;
/// let app = App::builder().log(log).views(views).build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresViews {
    shared: Arc<Shared>,
    /// Where it reads. `None`: the newest state.
    snapshot: Option<Arc<Snapshot>>,
}

impl fmt::Debug for PostgresViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresViews").field("store", &self.shared.place.store).finish_non_exhaustive()
    }
}

builder!(
    /// Options for [`PostgresViews::builder`].
    PostgresViewsBuilder,
    PostgresViews
);

impl PostgresViews {
    /// Opens the schema `public` of a database for views, and creates missing tables. For options:
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::builder(url).open().await
    }

    /// Opens a database for views, with options.
    ///
    /// The URL is `postgres://user:password@host:port/database?option=value`, or `key=value` pairs,
    /// in the syntax of [`tokio_postgres::Config`]. The tables for events stay empty.
    pub fn builder(url: &str) -> PostgresViewsBuilder {
        PostgresViewsBuilder::new(url)
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, snapshot: None }
    }

    async fn ask(&self, sql: Sql) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        Ok(self.shared.readers.read(vec![sql]).await?.pop().unwrap_or_default())
    }

    /// Reads from a view's table.
    async fn read(&self, shape: &ViewShape, sql: Sql) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        match &self.snapshot {
            None => self.ask(sql).await,
            Some(snapshot) => {
                let same = rows::same_table(&self.shared.schema, shape);
                snapshot.read(&self.shared.readers, sql, same).await
            }
        }
    }
}

impl ViewStore for PostgresViews {
    fn describe(&self) -> String {
        self.shared.place.store.to_string()
    }

    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let known = self.ask(known_shape(&self.shared.schema, shape)).await?;
            if is_prepared(&self.shared.place.store, shape, &known)? {
                return Ok(());
            }
            let mut locked = self.shared.begin().await?;
            locked.prepare(shape).await?;
            locked.commit().await
        })
    }

    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let rows = self.read(shape, rows::by_keys(&self.shared.schema, shape, keys)).await?;
            rows::stored(&self.shared.place.store, shape, &rows)
        })
    }

    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let store = &self.shared.place.store;
            let rows = self.read(shape, filter::find(&self.shared.schema, store, shape, query)?).await?;
            rows::stored(store, shape, &rows)
        })
    }

    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let store = &self.shared.place.store;
            let rows = self.read(shape, filter::count(&self.shared.schema, store, shape, filter)?).await?;
            Ok(rows.first().map_or(Ok(Position::START), |row| events::position(store, row, 0))?.get())
        })
    }

    fn exists<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let store = &self.shared.place.store;
            let rows = self.read(shape, filter::exists(&self.shared.schema, store, shape, filter)?).await?;
            rows.first().map_or(Ok(false), |row| events::column(store, row, 0))
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
            let store = &self.shared.place.store;
            let sql = filter::count_by(&self.shared.schema, store, shape, filter, index, limit)?;
            rows::stored_counts(store, shape, index, &self.read(shape, sql).await?)
        })
    }

    fn sum<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
    ) -> BoxFuture<'a, Result<Value, StoreError>> {
        Box::pin(async move {
            let store = &self.shared.place.store;
            let kind = rows::kind(store, shape, index)?;
            if !matches!(kind, ColumnKind::Integer | ColumnKind::Real) {
                return Err(no_sum(self.describe(), shape, index));
            }
            let rows = self.read(shape, filter::sum(&self.shared.schema, store, shape, filter, index)?).await?;
            rows::stored_sum(store, kind, &rows)?.ok_or_else(|| no_sum(self.describe(), shape, index))
        })
    }

    fn snapshot(&self) -> Option<Arc<dyn ViewStore>> {
        Some(Arc::new(Self { shared: Arc::clone(&self.shared), snapshot: Some(Arc::default()) }))
    }

    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        Box::pin(async move {
            let rows = self.ask(rows::checkpoint(&self.shared.schema, projection)).await?;
            let mut checkpoints = rows::stored_checkpoints(&self.shared.place.store, &rows)?;
            Ok(checkpoints.pop().map(|(_, checkpoint)| checkpoint))
        })
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(async {
            let rows = self.ask(rows::parked(&self.shared.schema)).await?;
            rows::stored_parked(&self.shared.place.store, &rows)
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.shared.readers.probe(&self.shared.schema_name))
    }

    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        Box::pin(async {
            // A transaction without leases excludes all others.
            let locked =
                if leases.is_empty() { self.shared.begin().await? } else { self.shared.begin_under(leases).await? };
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
            let Shared { place, schema, presence, .. } = &*self.shared;
            let presence = presence.hold(place).await;
            let mut locked = self.shared.begin().await?;
            let taken = locked.ask(vec![leases::take(schema, projections, owner, presence, time)]).await?;
            let taken = leases::stored(&place.store, &taken, projections.iter().copied())?;
            locked.commit().await?;
            Ok(taken)
        })
    }

    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        Box::pin(async move {
            let held = self.ask(leases::held(&self.shared.schema, projections)).await?;
            leases::owners(&self.shared.place.store, &held, projections)
        })
    }

    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let mut locked = self.shared.begin().await?;
            locked.send(leases::release(&self.shared.schema, leases)).await?;
            locked.commit().await
        })
    }

    fn contents(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        Box::pin(async {
            let (schema, store) = (&self.shared.schema, &self.shared.place.store);
            let stored = self.ask(rows::checkpoints(schema)).await?;
            let checkpoints = rows::stored_checkpoints(store, &stored)?;
            let mut views = Vec::new();
            for row in self.ask(contents::shapes(schema)).await? {
                let name = unescape(events::column(store, &row, 0)?);
                let number = self.ask(contents::number(schema, &name)).await?;
                let number = number.first().map_or(Ok(Position::START), |row| events::position(store, row, 0))?;
                views.push((name, number.get()));
            }
            let leases = contents::stored_leases(store, &self.ask(contents::leases(schema)).await?)?;
            Ok(Contents { checkpoints, views, leases })
        })
    }

    fn remove<'a>(
        &'a self,
        removal: &'a Removal,
        mark: &'a str,
        unused: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut locked = self.shared.begin().await?;
            if !locked.ask(vec![contents::used(&self.shared.schema, mark, unused)]).await?.is_empty() {
                return Ok(false);
            }
            for view in &removal.views {
                locked.drop_tables(view).await?;
            }
            for sql in contents::remove(&self.shared.schema, removal, mark) {
                locked.send(sql).await?;
            }
            locked.commit().await?;
            Ok(true)
        })
    }

    fn database(&self) -> Option<DatabaseInfo> {
        Some(DatabaseInfo::of::<Postgres>())
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Any + Send>, StoreError>> {
        Box::pin(async { Ok(Box::new(self.shared.readers.reader().await?) as Box<dyn Any + Send>) })
    }
}

fn known_shape(schema: &str, shape: &ViewShape) -> Sql {
    Sql::new(format!("SELECT fingerprint FROM {schema}.cqrs_shapes WHERE view = $1"))
        .with(escape(shape.name), Type::TEXT)
}

fn is_prepared(store: &str, shape: &ViewShape, known: &[tokio_postgres::Row]) -> Result<bool, StoreError> {
    let known = known.first().map(|row| events::column::<i64>(store, row, 0)).transpose()?;
    Ok(known == Some(shape.fingerprint.cast_signed()))
}

/// Creates the tables of a view.
///
/// A view's columns have the names of its fields, and the framework's begin with `cqrs_`: the
/// application's SQL may read them.
pub(crate) fn make_tables(schema: &str, shape: &ViewShape) -> Vec<Sql> {
    let table = rows::table(schema, shape.name);
    let mut columns = vec![
        r#"cqrs_key text COLLATE "C" PRIMARY KEY"#.to_owned(),
        "cqrs_long_key text".to_owned(),
        "cqrs_position bigint NOT NULL".to_owned(),
        "cqrs_document text NOT NULL".to_owned(),
    ];
    let mut others = Vec::new();
    for (number, index) in shape.indexes.iter().enumerate() {
        let column = quoted(index.name);
        columns.push(format!("{column} {}", column_type(index.kind)));
        // The key is part of the index, so that rows with one value are sorted by key.
        let name = index_name(shape, number);
        others.push(format!("CREATE INDEX {name} ON {table} ({column} NULLS FIRST, cqrs_key)"));
    }
    for (number, compound) in shape.compounds.iter().enumerate() {
        let columns: Vec<String> = compound.iter().map(|column| format!("{} NULLS FIRST", quoted(column))).collect();
        let (name, columns) = (compound_name(shape, number), columns.join(", "));
        others.push(format!("CREATE INDEX {name} ON {table} ({columns}, cqrs_key)"));
    }
    for (place, index) in shape.multi_indexes.iter().enumerate() {
        // A row for each value of each row.
        let (table, kind) = (rows::multi_table(schema, shape.name, place), column_type(index.kind));
        let (of_keys, of_values) = multi_index_names(shape, place);
        others.push(format!(
            r#"CREATE TABLE {table} (cqrs_key text COLLATE "C" NOT NULL, cqrs_value {kind} NOT NULL,
               CONSTRAINT {of_keys} PRIMARY KEY (cqrs_key, cqrs_value))"#
        ));
        others.push(format!("CREATE INDEX {of_values} ON {table} (cqrs_value, cqrs_key)"));
    }
    let mut statements = vec![format!("CREATE TABLE {table} ({})", columns.join(", "))];
    statements.append(&mut others);
    let mut statements: Vec<Sql> = statements.into_iter().map(Sql::new).collect();
    for sql in &mut statements {
        sql.once = true;
    }
    // An earlier program with this shape may have left a checkpoint for rows that are gone.
    statements.push(rows::unclaim(schema, shape));
    statements.push(rows::known_as(schema, shape));
    statements
}

fn column_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Bool => "boolean",
        ColumnKind::Integer => "bigint",
        ColumnKind::Real => "double precision",
        ColumnKind::Text => r#"text COLLATE "C""#,
    }
}

fn index_name(shape: &ViewShape, number: usize) -> String {
    quoted(&format!("cqrs_index_{number}{}", rows::lower(shape.name)))
}

fn compound_name(shape: &ViewShape, number: usize) -> String {
    quoted(&format!("cqrs_compound_{number}{}", rows::lower(shape.name)))
}

/// The indexes of the table of a multi-valued index.
fn multi_index_names(shape: &ViewShape, place: usize) -> (String, String) {
    let name = |of: &str| quoted(&format!("cqrs_multi_{of}_{place}{}", rows::lower(shape.name)));
    (name("keys"), name("values"))
}

/// Puts one build of a view in another's place, whose tables are dropped before.
fn replace(schema: &str, live: &Generation, next: &Generation) -> Vec<Sql> {
    let built = rows::table(schema, next.shape.name);
    let mut statements = vec![format!("ALTER TABLE {built} RENAME TO {}", quoted(&rows::table_name(live.shape.name)))];
    let renamed = |old: String, new: String| format!("ALTER INDEX {schema}.{old} RENAME TO {new}");
    let index = |number| renamed(index_name(&next.shape, number), index_name(&live.shape, number));
    statements.extend((0..next.shape.indexes.len()).map(index));
    let compound = |number| renamed(compound_name(&next.shape, number), compound_name(&live.shape, number));
    statements.extend((0..next.shape.compounds.len()).map(compound));
    for place in 0..next.shape.multi_indexes.len() {
        let (old, new) = (multi_index_names(&next.shape, place), multi_index_names(&live.shape, place));
        statements.push(format!(
            "ALTER TABLE {} RENAME TO {}",
            rows::multi_table(schema, next.shape.name, place),
            quoted(&rows::multi_name(live.shape.name, place))
        ));
        statements.extend([renamed(old.0, new.0), renamed(old.1, new.1)]);
    }
    let mut statements: Vec<Sql> = statements.into_iter().map(Sql::new).collect();
    for sql in &mut statements {
        sql.once = true;
    }
    statements.extend(rows::replace(schema, live, next));
    statements
}

impl Locked {
    /// Drops the tables of a view.
    async fn drop_tables(&mut self, view: &str) -> Result<(), StoreError> {
        let mut tables = vec![rows::table(&self.shared.schema, view)];
        for place in 0.. {
            if self.ask(vec![rows::known_multi_table(&self.shared.schema, view, place)]).await?.is_empty() {
                break;
            }
            tables.push(rows::multi_table(&self.shared.schema, view, place));
        }
        let mut drop = Sql::new(format!("DROP TABLE IF EXISTS {}", tables.join(", ")));
        drop.once = true;
        self.send(drop).await?;
        // The next statement is prepared on the tables that this one leaves.
        self.settle().await
    }
}

impl StandaloneTransaction for Locked {
    fn prepare<'a>(&'a mut self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let known = self.ask(vec![known_shape(&self.shared.schema, shape)]).await?;
            if !is_prepared(&self.shared.place.store, shape, &known)? {
                self.checkpoints = None;
                self.drop_tables(shape.name).await?;
                for sql in make_tables(&self.shared.schema, shape) {
                    self.send(sql).await?;
                    // The next statement is prepared on the tables that this one creates.
                    self.settle().await?;
                }
            }
            Ok(())
        })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin((*self).commit())
    }
}

impl ViewTransaction for Locked {
    fn rows<'a>(&'a mut self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let rows = self.ask(vec![rows::by_keys(&self.shared.schema, shape, keys)]).await?;
            rows::stored(&self.shared.place.store, shape, &rows)
        })
    }

    fn rows_by<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        index: &'static str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let sql = filter::rows_by(&self.shared.schema, &self.shared.place.store, shape, index, values)?;
            let rows = self.ask(vec![sql]).await?;
            rows::stored(&self.shared.place.store, shape, &rows)
        })
    }

    fn write<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        put: &'a [Row],
        remove: &'a [Removed],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            for sql in rows::write(&self.shared.schema, &self.shared.place.store, shape, put, remove)? {
                self.send(sql).await?;
            }
            Ok(())
        })
    }

    fn clear<'a>(
        &'a mut self,
        shape: Option<&'a ViewShape>,
        projection: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            (self.checkpoints, self.parked) = (None, None);
            for sql in rows::clear(&self.shared.schema, shape, projection) {
                self.send(sql).await?;
            }
            Ok(())
        })
    }

    fn checkpoints<'a>(
        &'a mut self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<Checkpoint>>, StoreError>> {
        Box::pin(async move {
            let known = if let Some(known) = self.checkpoints.take() {
                known
            } else {
                let rows = self.ask(vec![rows::checkpoints(&self.shared.schema)]).await?;
                rows::stored_checkpoints(&self.shared.place.store, &rows)?.into_iter().collect()
            };
            let wanted = projections.iter().map(|name| known.get(*name).copied()).collect();
            self.checkpoints = Some(known);
            Ok(wanted)
        })
    }

    fn set_checkpoints<'a>(
        &'a mut self,
        checkpoints: &'a [(&'static str, Checkpoint)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if checkpoints.is_empty() {
                return Ok(());
            }
            self.send(rows::set_checkpoints(&self.shared.schema, checkpoints)).await?;
            if let Some(known) = &mut self.checkpoints {
                known.extend(checkpoints.iter().map(|(name, checkpoint)| ((*name).to_owned(), *checkpoint)));
            }
            Ok(())
        })
    }

    fn parked(&mut self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(async move {
            if let Some(known) = &self.parked {
                return Ok(known.clone());
            }
            let rows = self.ask(vec![rows::parked(&self.shared.schema)]).await?;
            rows::stored_parked(&self.shared.place.store, &rows)
        })
    }

    fn park<'a>(&'a mut self, parked: &'a [Parked]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if parked.is_empty() {
                return Ok(());
            }
            self.parked = None;
            self.send(rows::park(&self.shared.schema, parked)).await
        })
    }

    fn unpark<'a>(&'a mut self, projection: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.parked = None;
            self.send(rows::unpark(&self.shared.schema, projection, key)).await
        })
    }

    fn replace(&mut self, live: Generation, next: Generation) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            (self.checkpoints, self.parked) = (None, None);
            self.drop_tables(live.shape.name).await?;
            for sql in replace(&self.shared.schema, &live, &next) {
                self.send(sql).await?;
                // The next statement is prepared on the tables that this one creates.
                self.settle().await?;
            }
            Ok(())
        })
    }

    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        Some(self.handlers())
    }

    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.savepoints += 1;
            let sql = Sql::new(format!("SAVEPOINT cqrs_{}", self.savepoints));
            self.send(sql).await
        })
    }

    fn end_savepoint(&mut self, undo: bool) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let number = self.savepoints;
            self.savepoints -= 1;
            if undo {
                // An error of an earlier statement must not be lost when the savepoint is undone.
                self.settle().await?;
                (self.checkpoints, self.parked) = (None, None);
                if let Err(error) = self.connection.send_text(format!("ROLLBACK TO cqrs_{number}")).await {
                    return Err(self.explain(error).await);
                }
            }
            self.send(Sql::new(format!("RELEASE cqrs_{number}"))).await
        })
    }
}

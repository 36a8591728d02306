//! Views in Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cqrs_core::log::{BoxFuture, Position, StoreError};
use cqrs_core::view::buffer::{Buffered, BufferedStore, Collected};
use cqrs_core::view::store::most_frequent;
use cqrs_core::view::{
    Checkpoint, Contents, Filter, Lease, Parked, Removal, Removed, Row, RowQuery, StandaloneTransaction, Value,
    ViewShape, ViewStore,
};
use redis::AsyncCommands;

use crate::error::{OpenError, failed};
use crate::options::RedisViewsBuilder;
use crate::store::Store;
use crate::{commit, encode, parked, search};

/// How many keys go into one call of a script.
const KEYS_A_CALL: usize = 1_000;

/// How many values of an index are counted in one call of a script.
const VALUES_A_CALL: usize = 500;

/// Views in Redis: a read database of its own (level 2), which projections keep up to date with the
/// log. Clones share its connection.
///
/// ```no_run
/// use cqrs_redis::RedisViews;
/// use cqrs_runtime::App;
/// use cqrs_runtime::log::MemoryLog;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let views = RedisViews::open("redis://localhost/").await?;
/// let app = App::builder().log(MemoryLog::new()).views(views).build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisViews {
    store: Arc<Store>,
}

impl fmt::Debug for RedisViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisViews").field("store", &self.store.name).finish_non_exhaustive()
    }
}

impl RedisViewsBuilder {
    /// Connects to the server, and checks that it can hold views.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(self) -> Result<RedisViews, OpenError> {
        Ok(RedisViews { store: Arc::new(Store::open(self).await?) })
    }
}

impl RedisViews {
    /// Connects to the server at `redis://[user:password@]host[:port][/database]`. For options:
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(url: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::builder(url).open().await
    }

    /// Connects to a server, with options.
    pub fn builder(url: impl AsRef<str>) -> RedisViewsBuilder {
        RedisViewsBuilder::new(url.as_ref())
    }

    /// Decodes the rows that a script has returned.
    fn decoded(&self, shape: &ViewShape, fields: Vec<Vec<u8>>) -> Result<Vec<Row>, StoreError> {
        let width = 3 + shape.indexes.len();
        let mut rows = Vec::with_capacity(fields.len() / width);
        let mut fields = fields.into_iter();
        while let Some(key) = fields.next() {
            let row = row(key, fields.by_ref().take(width - 1));
            rows.push(
                row.ok_or_else(|| failed(&self.store.name, format!("a row of view `{}` is damaged", shape.name)))?,
            );
        }
        Ok(rows)
    }
}

fn row(key: Vec<u8>, mut fields: impl Iterator<Item = Vec<u8>>) -> Option<Row> {
    Some(Row {
        multi_values: Vec::new(),
        key: String::from_utf8(key).ok()?,
        position: position(&fields.next()?)?,
        document: String::from_utf8(fields.next()?).ok()?.into(),
        indexes: fields.map(|field| encode::decoded(&field)).collect::<Option<_>>()?,
    })
}

fn position(digits: &[u8]) -> Option<Position> {
    std::str::from_utf8(digits).ok()?.parse().ok().map(Position::new)
}

/// The view, its fingerprint, and the number of its indexes.
fn named(shape: &ViewShape) -> Vec<Vec<u8>> {
    vec![shape.name.into(), encode::fingerprint(shape.fingerprint).into(), shape.indexes.len().to_string().into()]
}

impl ViewStore for RedisViews {
    fn describe(&self) -> String {
        self.store.name.clone()
    }

    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        self.prepare_under(&[], shape)
    }

    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async {
            let mut rows = Vec::new();
            for keys in keys.chunks(KEYS_A_CALL) {
                let mut arguments = named(shape);
                arguments.extend(keys.iter().map(|key| key.clone().into_bytes()));
                let found = self.store.run(&self.store.scripts.rows, &arguments).await;
                rows.extend(self.decoded(shape, found.map_err(|error| self.store.error(&error))?)?);
            }
            Ok(rows)
        })
    }

    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async {
            let mut arguments = named(shape);
            arguments.extend(search::find(shape, query, &self.store.name)?);
            let found = self.store.run(&self.store.scripts.find, &arguments).await;
            self.decoded(shape, found.map_err(|error| self.store.error(&error))?)
        })
    }

    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async {
            let mut arguments = named(shape);
            arguments.extend(search::count(shape, filter, &self.store.name)?);
            let counted = self.store.run(&self.store.scripts.find, &arguments).await;
            counted.map_err(|error| self.store.error(&error))
        })
    }

    fn exists<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async { Ok(self.count(shape, filter).await? > 0) })
    }

    fn count_by<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
        limit: Option<u32>,
    ) -> BoxFuture<'a, Result<Vec<(Value, u64)>, StoreError>> {
        Box::pin(async move {
            let damaged = || failed(&self.store.name, format!("index `{index}` of view `{}` is damaged", shape.name));
            let (mut counted, mut last) = (Vec::new(), None);
            loop {
                let mut arguments = named(shape);
                let name = &self.store.name;
                arguments.extend(search::count_by(shape, filter, index, last.as_ref(), VALUES_A_CALL, name)?);
                let found = self.store.run(&self.store.scripts.find, &arguments).await;
                let found: Vec<(Vec<u8>, u64)> = found.map_err(|error| self.store.error(&error))?;
                let is_full = found.len() >= VALUES_A_CALL;
                last = found.last().map(|(value, _)| value.clone());
                for (value, times) in found {
                    counted.push((encode::decoded(&value).ok_or_else(damaged)?, times));
                }
                if !is_full {
                    return Ok(most_frequent(counted, limit));
                }
            }
        })
    }

    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        Box::pin(async move {
            let stored = self.store.connection().hget(self.store.key("checkpoints"), projection).await;
            let stored: Option<String> = stored.map_err(|error| self.store.error(&error))?;
            let damaged = || failed(&self.store.name, format!("the checkpoint of `{projection}` is damaged"));
            stored.map(|text| encode::decoded_checkpoint(&text).ok_or_else(damaged)).transpose()
        })
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(async {
            let stored = self.store.connection().hgetall(self.store.key("parked")).await;
            let stored: Vec<(String, String)> = stored.map_err(|error| self.store.error(&error))?;
            let damaged = |field: &str| failed(&self.store.name, format!("the parked key `{field}` is damaged"));
            stored.iter().map(|(field, entry)| parked::decoded(field, entry).ok_or_else(|| damaged(field))).collect()
        })
    }

    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        let transaction: Box<dyn StandaloneTransaction> = Box::new(Buffered::new(self.clone(), leases));
        Box::pin(std::future::ready(Ok(transaction)))
    }

    fn lease<'a>(
        &'a self,
        projections: &'a [&'static str],
        owner: &'a str,
        time: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Lease>>, StoreError>> {
        Box::pin(async move {
            // The script could not add larger numbers.
            let time = time.as_millis().min(1 << 50).to_string();
            let mut arguments: Vec<Vec<u8>> = vec![owner.into(), time.into()];
            arguments.extend(projections.iter().map(|&projection| projection.into()));
            let tokens = self.store.run(&self.store.scripts.lease, &arguments).await;
            let tokens: Vec<String> = tokens.map_err(|error| self.store.error(&error))?;
            let lease = |(&projection, token): (&&'static str, &String)| {
                let damaged =
                    |error| failed(&self.store.name, format!("the lease of `{projection}` is damaged: {error}"));
                let token = if token.is_empty() { None } else { Some(token.parse().map_err(damaged)?) };
                Ok(token.map(|token| Lease { projection, token }))
            };
            projections.iter().zip(&tokens).map(lease).collect()
        })
    }

    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        Box::pin(async move {
            let arguments: Vec<Vec<u8>> = projections.iter().map(|&projection| projection.into()).collect();
            let owners = self.store.run(&self.store.scripts.holders, &arguments).await;
            let owners: Vec<String> = owners.map_err(|error| self.store.error(&error))?;
            Ok(owners.into_iter().map(|owner| Some(owner).filter(|owner| !owner.is_empty())).collect())
        })
    }

    fn contents(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        Box::pin(async {
            let stored = self.store.connection().hgetall(self.store.key("checkpoints")).await;
            let stored: Vec<(String, String)> = stored.map_err(|error| self.store.error(&error))?;
            let damaged = |name: &str| failed(&self.store.name, format!("the checkpoint of `{name}` is damaged"));
            let checkpoint = |(name, text): (String, String)| match encode::decoded_checkpoint(&text) {
                Some(checkpoint) => Ok((name, checkpoint)),
                None => Err(damaged(&name)),
            };
            let checkpoints = stored.into_iter().map(checkpoint).collect::<Result<_, _>>()?;
            let views = self.store.run(&self.store.scripts.views, &[]).await;
            let views: Vec<(String, u64)> = views.map_err(|error| self.store.error(&error))?;
            let leases = self.store.run(&self.store.scripts.leases, &[]).await;
            let leases: Vec<(String, u64)> = leases.map_err(|error| self.store.error(&error))?;
            let leases = leases.into_iter().map(|(name, idle)| (name, Duration::from_millis(idle))).collect();
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
            let unused = unused.as_millis().min(1 << 50).to_string();
            let mut arguments: Vec<Vec<u8>> = vec![mark.into(), unused.into(), removal.views.len().to_string().into()];
            arguments.extend(removal.views.iter().chain(&removal.projections).map(|name| name.clone().into_bytes()));
            let left = self.store.run(&self.store.scripts.remove, &arguments).await;
            let left: i64 = left.map_err(|error| self.store.error(&error))?;
            let removed = u64::try_from(left);
            self.store.sweep(removed.unwrap_or_default()).await;
            Ok(removed.is_ok())
        })
    }

    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let released = self.store.run(&self.store.scripts.release, &commit::tokens(leases)).await;
            released.map_err(|error| self.store.error(&error))
        })
    }
}

impl BufferedStore for RedisViews {
    fn removed<'a>(
        &'a self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        Box::pin(async {
            let mut removed = Vec::new();
            let mark = |(key, at): (Vec<u8>, Vec<u8>)| {
                Some(Removed { key: String::from_utf8(key).ok()?, position: position(&at)? })
            };
            let damaged = || failed(&self.store.name, format!("a mark of view `{}` is damaged", shape.name));
            for keys in keys.chunks(KEYS_A_CALL) {
                let mut arguments = named(shape);
                arguments.truncate(2);
                arguments.extend(keys.iter().map(|key| key.clone().into_bytes()));
                let marks = self.store.run(&self.store.scripts.removed, &arguments).await;
                let marks: Vec<(Vec<u8>, Vec<u8>)> = marks.map_err(|error| self.store.error(&error))?;
                for found in marks {
                    removed.push(mark(found).ok_or_else(damaged)?);
                }
            }
            Ok(removed)
        })
    }

    fn prepare_under<'a>(&'a self, leases: &'a [Lease], shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let mut arguments = commit::under(leases);
            let indexes = commit::number_of_indexes(shape);
            arguments.extend([
                shape.name.into(),
                encode::fingerprint(shape.fingerprint).into(),
                indexes.to_string().into(),
            ]);
            let prepared = self.store.run(&self.store.scripts.prepare, &arguments).await;
            self.store.sweep(prepared.map_err(|error| self.store.error(&error))?).await;
            Ok(())
        })
    }

    fn write_all(&self, collected: Collected, leases: Vec<Lease>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(commit::write_all(&self.store, collected, leases))
    }
}

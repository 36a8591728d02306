//! Views in MongoDB.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cqrs_core::log::{BoxFuture, StoreError};
use cqrs_core::view::buffer::{Buffered, BufferedStore, Collected};
use cqrs_core::view::store::no_sum;
use cqrs_core::view::{
    Checkpoint, ColumnKind, Contents, Filter, Lease, Parked, Removal, Removed, Row, RowQuery, StandaloneTransaction,
    Value, ViewShape, ViewStore,
};
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::FindOptions;

use crate::connect::connect;
use crate::error::{CallError, OpenError, failed, other_shape};
use crate::options::MongoViewsBuilder;
use crate::row::{self, DOCUMENT, FORGET};
use crate::state::{self, View};
use crate::store::Store;
use crate::{commit, search};

/// How many keys go into one call.
const KEYS_A_CALL: u32 = 1_000;

/// The server cannot skip more rows.
const FURTHEST: u64 = 1 << 50;

/// Views in MongoDB: a read database of its own (level 2), which projections keep up to date with
/// the log. Clones share its connections.
///
/// ```no_run
/// use cqrs_mongodb::MongoViews;
/// use cqrs_runtime::App;
/// use cqrs_runtime::log::MemoryLog;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let views = MongoViews::open("mongodb://localhost/shop").await?;
/// let app = App::builder().log(MemoryLog::new()).views(views).build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MongoViews {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    /// The last known collections of views.
    places: Mutex<HashMap<&'static str, View>>,
}

impl fmt::Debug for MongoViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoViews").field("store", &self.store().name).finish_non_exhaustive()
    }
}

impl MongoViewsBuilder {
    /// Connects to the server, and checks that it can hold views.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(self) -> Result<MongoViews, OpenError> {
        Ok(MongoViews::new(connect(self).await?))
    }
}

impl MongoViews {
    /// Connects to one or more servers at
    /// `mongodb://[user:password@]host[:port][,..]/database[?options]`. For options:
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(url: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::builder(url).open().await
    }

    /// Connects to a server, with options.
    pub fn builder(url: impl AsRef<str>) -> MongoViewsBuilder {
        MongoViewsBuilder::new(url.as_ref())
    }

    pub(crate) fn new(store: Store) -> Self {
        Self { shared: Arc::new(Shared { store, places: Mutex::default() }) }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    fn failed(&self, reason: impl fmt::Display) -> StoreError {
        failed(&self.store().name, reason)
    }

    /// Reads a view's collection from the server.
    async fn place(&self, shape: &ViewShape) -> Result<View, StoreError> {
        let views: Vec<View> = self.store().part("views").await?;
        let view = views.into_iter().find(|view| view.is_of(shape));
        let view = view.ok_or_else(|| other_shape(&self.store().name, shape.name))?;
        self.shared.places.lock().unwrap_or_else(PoisonError::into_inner).insert(shape.name, view.clone());
        Ok(view)
    }

    /// Reads from a view's collection. If the view has another collection afterwards, it reads
    /// again, because the first may have been dropped while it was read.
    async fn reading<T, F: Future<Output = Result<T, CallError>>>(
        &self,
        shape: &ViewShape,
        read: impl Fn(Collection<Document>) -> F,
    ) -> Result<T, StoreError> {
        let known = self.shared.places.lock().unwrap_or_else(PoisonError::into_inner).get(shape.name).cloned();
        let mut place = match known.filter(|known| known.is_of(shape)) {
            Some(known) => known,
            None => self.place(shape).await?,
        };
        loop {
            let found = read(self.store().rows(&place.collection)).await;
            let now = self.place(shape).await?;
            if now == place {
                return found.map_err(|error| self.store().error(&error));
            }
            place = now;
        }
    }

    /// The documents that match filters, one filter after the other.
    async fn documents(
        &self,
        shape: &ViewShape,
        filters: Vec<Document>,
        options: FindOptions,
    ) -> Result<Vec<Document>, StoreError> {
        let read = |rows: Collection<Document>| {
            let (filters, options) = (filters.clone(), options.clone());
            async move {
                let mut found = Vec::new();
                for filter in filters {
                    let find = rows.find(filter).with_options(options.clone());
                    let mut cursor = self.store().within(find).await?;
                    while self.store().within(cursor.advance()).await? {
                        found.push(cursor.deserialize_current()?);
                    }
                }
                Ok(found)
            }
        };
        self.reading(shape, read).await
    }

    /// What an aggregation of a view's documents returns.
    async fn aggregated(&self, shape: &ViewShape, steps: Vec<Document>) -> Result<Vec<Document>, StoreError> {
        let read = |rows: Collection<Document>| {
            let steps = steps.clone();
            async move {
                let mut found = Vec::new();
                let mut cursor = self.store().within(rows.aggregate(steps)).await?;
                while self.store().within(cursor.advance()).await? {
                    found.push(cursor.deserialize_current()?);
                }
                Ok(found)
            }
        };
        self.reading(shape, read).await
    }

    /// The documents with these keys that have this field.
    async fn of_keys(&self, shape: &ViewShape, keys: &[String], field: &str) -> Result<Vec<Document>, StoreError> {
        let filter = |keys: &[String]| doc! { "_id": { "$in": keys }, field: { "$exists": true } };
        // All of them in the first answer. One more, because a server that has found as many as
        // were requested does not look further.
        let options = FindOptions::builder().batch_size(KEYS_A_CALL + 1).build();
        self.documents(shape, keys.chunks(KEYS_A_CALL as usize).map(filter).collect(), options).await
    }

    fn decoded(&self, shape: &ViewShape, stored: Vec<Document>) -> Result<Vec<Row>, StoreError> {
        let damaged = || self.failed(format!("a row of view `{}` is damaged", shape.name));
        stored.into_iter().map(|stored| row::decoded(shape, stored).ok_or_else(damaged)).collect()
    }
}

impl ViewStore for MongoViews {
    fn describe(&self) -> String {
        self.store().name.clone()
    }

    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        self.prepare_under(&[], shape)
    }

    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async {
            let found = self.of_keys(shape, keys, DOCUMENT).await?;
            self.decoded(shape, found)
        })
    }

    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async {
            let filter = search::of_query(shape, query).map_err(|error| self.failed(error))?;
            let options = FindOptions::builder()
                .sort(search::sort(shape, query).map_err(|error| self.failed(error))?)
                .skip(query.offset.min(FURTHEST))
                .limit(query.limit.map(i64::from))
                .allow_disk_use(true)
                .build();
            // For the server, this would mean no limit.
            if query.limit == Some(0) {
                return Ok(Vec::new());
            }
            let found = self.documents(shape, vec![filter], options).await?;
            self.decoded(shape, found)
        })
    }

    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let filter = search::filter(shape, filter).map_err(|error| self.failed(error))?;
            let read = |rows: Collection<Document>| {
                let filter = filter.clone();
                async move { self.store().within(rows.count_documents(filter)).await }
            };
            self.reading(shape, read).await
        })
    }

    fn exists<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let filter = search::filter(shape, filter).map_err(|error| self.failed(error))?;
            let options = FindOptions::builder().limit(1).projection(doc! { "_id": 1 }).build();
            Ok(!self.documents(shape, vec![filter], options).await?.is_empty())
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
            // The server refuses a limit of none.
            if limit == Some(0) {
                return Ok(Vec::new());
            }
            let steps = search::count_by(shape, filter, index, limit).map_err(|error| self.failed(error))?;
            let damaged = || self.failed(format!("index `{index}` of view `{}` is damaged", shape.name));
            let found = self.aggregated(shape, steps).await?;
            found.iter().map(|counted| row::decoded_count(counted).ok_or_else(damaged)).collect()
        })
    }

    fn sum<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
    ) -> BoxFuture<'a, Result<Value, StoreError>> {
        Box::pin(async move {
            let steps = search::sum(shape, filter, index).map_err(|error| self.failed(error))?;
            let kind = shape.kind(index);
            let found = self.aggregated(shape, steps).await?;
            let sum = found.first().and_then(|found| found.get("sum"));
            // A sum of whole numbers that does not fit is one with a fraction.
            match (kind, sum) {
                (Ok(ColumnKind::Integer), None) => Ok(Value::Integer(0)),
                (Ok(ColumnKind::Integer), Some(Bson::Int32(sum))) => Ok(Value::Integer((*sum).into())),
                (Ok(ColumnKind::Integer), Some(Bson::Int64(sum))) => Ok(Value::Integer(*sum)),
                (Ok(ColumnKind::Real), None | Some(Bson::Int32(0) | Bson::Int64(0))) => Ok(Value::Real(0.0)),
                (Ok(ColumnKind::Real), Some(Bson::Double(sum))) => Ok(Value::Real(*sum)),
                _ => Err(no_sum(self.describe(), shape, index)),
            }
        })
    }

    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        Box::pin(async move {
            let stored: Vec<state::Checkpoint> = self.store().part("checkpoints").await?;
            let damaged = || self.failed(format!("the checkpoint of `{projection}` is damaged"));
            let stored = stored.iter().find(|checkpoint| checkpoint.is_of(projection));
            stored.map(|checkpoint| checkpoint.decoded().ok_or_else(damaged)).transpose()
        })
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(async {
            let stored: Vec<state::Parked> = self.store().part("parked").await?;
            let parked = stored.into_iter().map(state::Parked::decoded).collect::<Option<_>>();
            parked.ok_or_else(|| self.failed("a parked key is damaged"))
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
            let leased = self.store().change(|state| {
                Ok(projections.iter().map(|projection| state.lease(projection, owner, time)).collect())
            });
            Ok(leased.await?.0)
        })
    }

    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        Box::pin(async move {
            let ((), state) = self.store().change(|_| Ok(())).await?;
            Ok(projections.iter().map(|projection| state.holder(projection).map(str::to_owned)).collect())
        })
    }

    fn contents(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        Box::pin(async {
            let ((), state) = self.store().change(|_| Ok(())).await?;
            let damaged = |name: &str| self.failed(format!("the checkpoint of `{name}` is damaged"));
            let mut checkpoints = Vec::new();
            for (name, checkpoint) in state.checkpoints() {
                let checkpoint = checkpoint.ok_or_else(|| damaged(&name))?;
                checkpoints.push((name, checkpoint));
            }
            let mut views = Vec::new();
            for (name, collection) in state.views() {
                let rows = self.store().rows(&collection);
                let number = self.store().within(rows.count_documents(doc! { DOCUMENT: { "$exists": true } })).await;
                views.push((name, number.map_err(|error| self.store().error(&error))?));
            }
            Ok(Contents { checkpoints, views, leases: state.idle() })
        })
    }

    fn remove<'a>(
        &'a self,
        removal: &'a Removal,
        mark: &'a str,
        unused: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let (removed, state) = self.store().change(|state| Ok(state.remove(removal, mark, unused))).await?;
            self.store().sweep(&state).await;
            Ok(removed)
        })
    }

    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let released = self.store().change(|state| {
                state.release(leases);
                Ok(())
            });
            released.await?;
            Ok(())
        })
    }
}

impl BufferedStore for MongoViews {
    fn removed<'a>(
        &'a self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        Box::pin(async {
            let damaged = || self.failed(format!("a mark of view `{}` is damaged", shape.name));
            let marks = self.of_keys(shape, keys, FORGET).await?;
            marks.into_iter().map(|mark| row::decoded_mark(mark).ok_or_else(damaged)).collect()
        })
    }

    fn prepare_under<'a>(&'a self, leases: &'a [Lease], shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            loop {
                let there = self.store().change(|state| {
                    state.check(leases)?;
                    Ok(state.collection(shape).is_some())
                });
                let (is_there, state) = there.await?;
                if is_there {
                    self.store().sweep(&state).await;
                    return Ok(());
                }
                let collection = self.store().new_collection(shape).await?;
                // Another process may have set another one, possibly with the same shape.
                let settled = self.store().change(|state| {
                    state.check(leases)?;
                    Ok(state.settle_empty(shape, &collection).is_ok())
                });
                settled.await?;
            }
        })
    }

    fn write_all(&self, collected: Collected, leases: Vec<Lease>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(commit::write_all(self.store(), collected, leases))
    }
}

//! What a database must implement to store views.
//!
//! # Writing an adapter
//!
//! Implement [`ViewStore`] and [`ViewTransaction`], and run crate `cqrs-conformance` on the result. A store holds one row
//! per key for each view, the progress of each projection, the parked keys, and the leases on projections.
//!
//! A store inside a log's database ([`EventLog::views`](crate::log::EventLog::views)) serves level 1, and needs neither
//! [`begin`](ViewStore::begin) nor [`lease`](ViewStore::lease). A separate store serves level 2, and needs both.
//!
//! # A store with transactions
//!
//! [`begin`](ViewStore::begin) starts a database transaction that checks the leases and locks them: no other process can
//! take them over before it ends. [`commit`](StandaloneTransaction::commit) makes everything visible at once, or nothing.
//! Transactions under different leases may run at the same time. Those under the same lease run one after the other.
//!
//! # A store without transactions
//!
//! It collects all changes, and reads as if they were already stored. On commit it writes
//!
//! 1. the rows, view by view in the order of the calls of [`write`](ViewTransaction::write). A row is written only if the store
//!    has none with a later position under its key: **an older position never overwrites a newer one**. A removed row leaves a
//!    mark with the position of its removal, which protects its key in the same way, and which
//!    [`removed`](ViewTransaction::removed) returns. A mark may be deleted when the projection's checkpoint has passed it and
//!    every lease that was held at the time has expired;
//! 2. the keys to park and to unpark;
//! 3. **last** the checkpoints, together with the shadow builds that take a view's place. The same step checks the leases'
//!    tokens: if one of them is not the store's newest, nothing of this step happens, and the commit fails.
//!
//! Cleared rows are not protected by a position. If a store cannot delete rows in the same step that checks the tokens, it clears
//! a view by creating a new, empty place for its rows (a collection, a prefix), and the last step switches the view to it.
//!
//! If the store fails or the process dies between two of these steps, the same events come again, and change nothing where they
//! were already applied: the engine skips events up to a row's position. A savepoint is a copy of the collected changes. There is
//! no `Tx<Db>`, so async projections cannot run on such a store.
//!
//! [`buffer`](super::buffer) collects and reads for you: such a store only writes the collected changes.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::column::{ColumnKind, Value};
use crate::database::DatabaseInfo;
use crate::position::{Bookmark, Position};
use crate::store_error::{BoxFuture, StoreError};
use crate::view::{Comparison, NoIndex, RowQuery, ViewShape};

/// A stored view.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The key's text.
    pub key: String,
    /// The values of the indexed fields, in the order of [`ViewShape::indexes`].
    pub indexes: Vec<Value>,
    /// The values of the indexed fields that hold several, in the order of [`ViewShape::multi_indexes`]: each value once, and none is
    /// `Null`. A row that is written has them. A store need not return them.
    pub multi_values: Vec<Vec<Value>>,
    /// The whole view, as JSON.
    pub document: Box<str>,
    /// The position of the last event that changed it.
    pub position: Position,
}

/// Selects rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Rows whose indexed field compares so. `Null` equals only `Null`, and is neither less nor greater than anything.
    Compare(&'static str, Comparison, Value),
    /// Rows whose indexed field equals one of the values.
    OneOf(&'static str, Vec<Value>),
    /// Rows whose multi-valued index has one of the values.
    Has(&'static str, Vec<Value>),
    /// Rows whose key's text compares so, byte by byte.
    Key(Comparison, String),
    /// Rows that match every filter. Without filters: every row.
    All(Vec<Filter>),
    /// Rows that match any filter. Without filters: none.
    Any(Vec<Filter>),
}

impl Filter {
    /// The filters that a row must match all, with those of nested [`All`](Self::All)s: the filter itself, if it is no `All`.
    #[must_use]
    pub fn conjuncts(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        self.collect(&mut found, |filter| if let Self::All(nested) = filter { Some(nested) } else { None });
        found
    }

    /// The filters of which a row must match one, with those of nested [`Any`](Self::Any)s: the filter itself, if it is no `Any`.
    #[must_use]
    pub fn disjuncts(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        self.collect(&mut found, |filter| if let Self::Any(nested) = filter { Some(nested) } else { None });
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Self>, nested: fn(&'a Self) -> Option<&'a Vec<Self>>) {
        match nested(self) {
            Some(parts) => parts.iter().for_each(|part| part.collect(found, nested)),
            None => found.push(self),
        }
    }
}

/// A key whose event could not be folded. Its later events wait until it is retried or skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The projection; or `policy:NAME`, if a policy could not finish an event.
    pub projection: String,
    /// The key's text. Empty if the whole projection is parked, because the event did not yield a key.
    pub key: String,
    /// The position of the event that could not be folded.
    pub position: Position,
    /// That event's name.
    pub event: String,
    /// The error.
    pub error: String,
    /// How often it was tried in a row.
    pub attempts: u32,
}

/// A removed row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The key's text.
    pub key: String,
    /// The position of the event that removed it.
    pub position: Position,
}

/// A lease: the right to run one projection, until it expires or is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The projection.
    pub projection: &'static str,
    /// Grows with each change of the holder. A transaction with an older token is refused.
    pub token: u64,
}

/// A build of a view: the one that is read, or the shadow build that will replace it.
#[derive(Clone, Copy, Debug)]
pub struct Generation {
    /// The view.
    pub shape: ViewShape,
    /// The projection that makes it.
    pub projection: &'static str,
}

/// The progress of a projection, and the shape of its rows.
///
/// A partitioned projection (`AppBuilder::partitions`) with `n` partitions has one for each, `PROJECTION@i/n`, with the shape's
/// fingerprint. Its plain checkpoint then has the position `n` and another fingerprint. To a store they are ordinary checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Every event up to here has been folded.
    pub position: Position,
    /// The id of the event at that position. `None` at the log's start, which is not a position of an event, and in checkpoints
    /// that an older version of this crate has stored.
    pub event: Option<Uuid>,
    /// The shape of its rows. A policy (`policy:NAME`) has no rows: here it stores which process works on the event that follows,
    /// if any.
    pub fingerprint: u64,
}

impl Checkpoint {
    /// A checkpoint at this bookmark.
    #[must_use]
    pub const fn at(bookmark: Bookmark, fingerprint: u64) -> Self {
        Self { position: bookmark.position, event: bookmark.event, fingerprint }
    }

    /// Its position and event.
    #[must_use]
    pub const fn bookmark(&self) -> Bookmark {
        Bookmark { position: self.position, event: self.event }
    }
}

/// A database that stores views.
pub trait ViewStore: Send + Sync + 'static {
    /// The store's name in errors: its kind and location, without secrets.
    fn describe(&self) -> String;

    /// The address of the store itself: handles with the same address are one store to an app. An `Arc` gives the address of what it
    /// holds. Default: the address of `self`.
    fn address(&self) -> *const () {
        std::ptr::from_ref(self).cast()
    }

    /// Creates the table of a view with its columns and indexes. A table with another fingerprint is replaced by an empty one.
    ///
    /// Checkpoints with the old fingerprint stay: they make the engine start again. A checkpoint with the *new* fingerprint,
    /// from an earlier program with this shape, is removed in the same step: its rows do not exist any more.
    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The existing rows with these keys, in any order. On a connection that cannot write.
    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// The rows that match a search. On a connection that cannot write.
    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// The number of rows that match a filter. On a connection that cannot write.
    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Whether a row matches a filter. On a connection that cannot write. Default: [`find`](Self::find) with a limit of one row.
    fn exists<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let query = RowQuery { limit: Some(1), ..RowQuery::new(filter.clone()) };
            Ok(!self.find(shape, &query).await?.is_empty())
        })
    }

    /// The different values of an indexed field of either sort in the rows that match a filter, and how many rows have each: the most
    /// frequent first, equally frequent ones in the [order of values](Value::order), at most `limit`. A row with several values
    /// counts once for each. On a connection that cannot write. [`most_frequent`] counts in memory.
    fn count_by<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
        limit: Option<u32>,
    ) -> BoxFuture<'a, Result<Vec<(Value, u64)>, StoreError>>;

    /// The sum of an indexed field of one value, of kind [`Integer`](ColumnKind::Integer) or [`Real`](ColumnKind::Real) over the rows that match a
    /// filter: a value of that kind, zero if there is none to add. On a connection that cannot write. Default: adds up what
    /// [`count_by`](Self::count_by) returns.
    ///
    /// # Errors
    /// The sum does not fit the type, or the field has another kind.
    fn sum<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
    ) -> BoxFuture<'a, Result<Value, StoreError>> {
        Box::pin(async move {
            let kind = shape.kind(index).map_err(|error| no_index(self.describe(), &error))?;
            let values = self.count_by(shape, filter, index, None).await?;
            let sum = summed(kind, values);
            sum.ok_or_else(|| no_sum(self.describe(), shape, index))
        })
    }

    /// A handle for the reads of one query: all of them see the state that its first read sees. It returns the same as this store
    /// otherwise, and is only used to read. `None` if the store cannot keep a state for its readers. Default: `None`.
    ///
    /// It costs nothing before the first read. From then on it may hold a connection until it is dropped.
    fn snapshot(&self) -> Option<Arc<dyn ViewStore>> {
        None
    }

    /// The checkpoint of a projection. `None` before the first one.
    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>>;

    /// The parked keys of all projections.
    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>>;

    /// Checks that everything that queries need can be reached: each table, for example, since another session may have locked
    /// one. It takes less than a second if so. Default: [`parked`](Self::parked).
    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.parked().await.map(drop) })
    }

    /// Starts a transaction of this store under leases. It takes effect only while each lease is the newest of its
    /// projection.
    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        let (store, _) = (self.describe(), leases);
        Box::pin(async { Err(alone(store)) })
    }

    /// Acquires or renews leases on projections, for `time` from now, and returns those that `owner` holds: `None` where another's
    /// lease has not expired. The last holder keeps its token, another owner gets the next one.
    ///
    /// If the store is a server, its clock decides, not this machine's. The clock need not be exact: a lease that expires early
    /// costs duplicate work, and one that expires late a delay.
    fn lease<'a>(
        &'a self,
        projections: &'a [&'static str],
        owner: &'a str,
        time: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Lease>>, StoreError>> {
        let (store, _) = (self.describe(), (projections, owner, time));
        Box::pin(async { Err(alone(store)) })
    }

    /// The owners that hold a lease on each of these projections. `None` if it was never acquired, was released, or has
    /// expired.
    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        let (store, _) = (self.describe(), projections);
        Box::pin(async { Err(alone(store)) })
    }

    /// Releases leases before they expire. A lease that another owner has taken over stays with that owner.
    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        let (store, _) = (self.describe(), leases);
        Box::pin(async { Err(alone(store)) })
    }

    /// Everything that is stored of views and projections, used or not.
    fn contents(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        let store = self.describe();
        Box::pin(async { Err(unlisted(store)) })
    }

    /// Removes what is stored under these names in one step, and returns `true`. Removes nothing and returns `false` if the
    /// lease `mark` is held, or expired less than `unused` ago.
    fn remove<'a>(
        &'a self,
        removal: &'a Removal,
        mark: &'a str,
        unused: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        let (store, _) = (self.describe(), (removal, mark, unused));
        Box::pin(async { Err(unlisted(store)) })
    }

    /// The marker type of the database that queries name in `Reader<Db>`, if they may.
    fn database(&self) -> Option<DatabaseInfo> {
        None
    }

    /// A connection that the database itself keeps read-only, for `Reader<Db>`: the `Db::Reader` of the adapter's
    /// [`Database`](crate::database::Database).
    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Any + Send>, StoreError>> {
        let store = self.describe();
        Box::pin(async { Err(StoreError::Failed { store, reason: "it has no reader for queries".into() }) })
    }
}

/// Adds up how often each value occurs, the most frequent first. For [`ViewStore::count_by`].
#[must_use]
pub fn most_frequent(counted: impl IntoIterator<Item = (Value, u64)>, limit: Option<u32>) -> Vec<(Value, u64)> {
    let mut counted: Vec<_> = counted.into_iter().collect();
    counted.sort_by(|(a, _), (b, _)| a.order(b));
    counted.dedup_by(|(value, times), (kept, sum)| {
        let same = value.order(kept).is_eq();
        *sum += if same { *times } else { 0 };
        same
    });
    counted.sort_by(|(_, a), (_, b)| b.cmp(a));
    counted.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    counted
}

/// The sum of values that each occur a number of times. `None` if it does not fit, or the kind cannot be added up.
fn summed(kind: ColumnKind, values: Vec<(Value, u64)>) -> Option<Value> {
    match kind {
        ColumnKind::Integer => {
            let add = |sum: i128, (value, times): (Value, u64)| match value {
                Value::Integer(value) => sum.checked_add(i128::from(value).checked_mul(times.into())?),
                _ => Some(sum),
            };
            let sum = values.into_iter().try_fold(0_i128, add)?;
            i64::try_from(sum).ok().map(Value::Integer)
        }
        #[allow(clippy::cast_precision_loss, reason = "as any sum of numbers with fractions")]
        ColumnKind::Real => {
            let of = |(value, times)| if let Value::Real(value) = value { value * times as f64 } else { 0.0 };
            Some(Value::Real(values.into_iter().map(of).sum()))
        }
        ColumnKind::Bool | ColumnKind::Text => None,
    }
}

fn no_index(store: String, error: &NoIndex) -> StoreError {
    StoreError::Failed { store, reason: error.to_string() }
}

/// The error of a sum that a store cannot return. For [`ViewStore::sum`].
#[must_use]
pub fn no_sum(store: String, shape: &ViewShape, index: &str) -> StoreError {
    let view = shape.name;
    let reason =
        format!("the sum of index `{index}` of view `{view}` is no number of 64 bits; add the values up yourself");
    StoreError::Failed { store, reason }
}

fn alone(store: String) -> StoreError {
    StoreError::Failed { store, reason: "it stores views only inside a log's transactions".into() }
}

fn unlisted(store: String) -> StoreError {
    StoreError::Failed { store, reason: "it cannot list its contents".into() }
}

/// Everything that a store holds of views and projections, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Every checkpoint, by its name.
    pub checkpoints: Vec<(String, Checkpoint)>,
    /// Every view that was [prepared](ViewStore::prepare), by its name, and how many rows it has.
    pub views: Vec<(String, u64)>,
    /// Every lease by its projection, with the time since it expired by the store's clock: zero if it is held, and any
    /// time if it was released.
    pub leases: Vec<(String, Duration)>,
}

/// What to remove from a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Checkpoints and parked keys, by their projections.
    pub projections: Vec<String>,
    /// Views, with all their rows.
    pub views: Vec<String>,
}

/// A transaction of a separate view store. Dropped without [`commit`](Self::commit), it leaves nothing
/// behind.
pub trait StandaloneTransaction: ViewTransaction {
    /// Like [`ViewStore::prepare`], but only while the transaction's leases are the newest. Otherwise a process whose lease
    /// was taken over could replace a table that another has filled by an empty one. It may be visible before the commit.
    fn prepare<'a>(&'a mut self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Makes everything visible, if its leases are still the newest.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}

/// Views inside a transaction.
pub trait ViewTransaction: Send {
    /// The existing rows with these keys, in any order.
    fn rows<'a>(&'a mut self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// The rows whose indexed field `index` equals one of `values`, or, if it holds several, has one of them: each row once.
    fn rows_by<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        index: &'static str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// The keys among these whose rows were removed and still have a mark. Only a store without transactions has marks.
    fn removed<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        let _ = (shape, keys);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Writes rows, and removes others by key. In a store without transactions an older position never overwrites a newer
    /// one.
    fn write<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        put: &'a [Row],
        remove: &'a [Removed],
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes every row of a view (and every mark of a removed row), every parked key of the projection, and its checkpoint. With a shape,
    /// it also removes every checkpoint with its fingerprint, of any projection: a projection under a former name claims rows that are
    /// gone.
    fn clear<'a>(
        &'a mut self,
        shape: Option<&'a ViewShape>,
        projection: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The checkpoints of these projections, in their order.
    fn checkpoints<'a>(
        &'a mut self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<Checkpoint>>, StoreError>>;

    /// Sets the checkpoints of projections.
    fn set_checkpoints<'a>(
        &'a mut self,
        checkpoints: &'a [(&'static str, Checkpoint)],
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The parked keys of all projections.
    fn parked(&mut self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>>;

    /// Parks keys. Replaces earlier entries of the same keys.
    fn park<'a>(&'a mut self, parked: &'a [Parked]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Unparks a key, if it is parked.
    fn unpark<'a>(&'a mut self, projection: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Replaces a view by its shadow build: the rows, the checkpoint and the parked keys of `next` become those of `live`,
    /// whose own are deleted. The checkpoint gets the fingerprint of `live`. Afterwards `next` does not exist.
    ///
    /// The two differ in name and fingerprint only. But what is stored as `live` may have any older shape, or not exist.
    fn replace(&mut self, live: Generation, next: Generation) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The [`Tx`](crate::database::Tx) of this store's database that an async projection takes as `Tx<Db>`.
    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        None
    }

    /// Sets a savepoint.
    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Undoes all changes since the last savepoint (`true`) or keeps them (`false`), and removes the
    /// savepoint.
    fn end_savepoint(&mut self, undo: bool) -> BoxFuture<'_, Result<(), StoreError>>;
}

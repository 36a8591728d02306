//! What a database must do to hold views.
//!
//! # Writing an adapter
//!
//! Implement [`ViewStore`] and [`ViewTransaction`], and run [`crate::view_conformance`] on the result. A store keeps, for
//! each view, one row a key; for each projection, how far it has come; the keys that are parked; and who runs which projection.
//!
//! Inside a log's database ([`EventLog::views`](crate::log::EventLog::views)) a store serves level 1, and needs no
//! [`begin`](ViewStore::begin) and no [`lease`](ViewStore::lease). On its own it serves level 2 and needs both.
//!
//! # A store with transactions
//!
//! [`begin`](ViewStore::begin) starts a transaction of the database, which checks the leases and holds them: nobody can take
//! one of them over before it ends. [`commit`](StandaloneTransaction::commit) makes all of it show at once, or nothing.
//! Transactions under different leases may be under way at the same time; those under one come one after the other.
//!
//! # A store without transactions
//!
//! It collects what it is told, and answers what it is asked as if that were there already. On commit it writes
//!
//! 1. the rows, view by view in the order of the calls of [`write`](ViewTransaction::write), and each only where the store
//!    holds none of a later position under that key: **an older position never overwrites a newer one**. A row that is
//!    removed leaves a mark with the position of its removal, which guards its key in the same way, and which
//!    [`removed`](ViewTransaction::removed) tells. Such a mark may be forgotten when the projection's checkpoint has
//!    passed it and every lease that was out at the time has run out;
//! 2. the keys to park, and those to park no longer;
//! 3. **last** the checkpoints, and with them the builds that take a view's place, in the one step that also checks the leases'
//!    tokens: where one of them is not the store's newest, none of it happens, and the commit fails.
//!
//! What is cleared no position guards. Where a store cannot delete rows in one step with the check of the tokens, clearing is a
//! new, empty place for the view's rows (a collection, a prefix), which the last step makes the view's.
//!
//! When it fails or dies between two of these, the same events come again, and change nothing where they have been: the
//! engine passes over what a row's position says that it holds. A savepoint is a copy of what is collected. There is no `Tx<Db>`,
//! so no async projection runs on such a store.
//!
//! [`buffer`](super::buffer) does the collecting and the answering: such a store only writes what was collected.

use std::any::Any;
use std::time::Duration;

use uuid::Uuid;

use super::{Comparison, Value, ViewShape};
use crate::log::{Bookmark, BoxFuture, DatabaseInfo, Position, StoreError};

/// One stored view.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The key's text.
    pub key: String,
    /// The values of the indexed fields, in the order of [`ViewShape::indexes`].
    pub indexes: Vec<Value>,
    /// The whole view, as JSON.
    pub document: Box<str>,
    /// The last event that changed it.
    pub position: Position,
}

/// Which rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Those whose indexed field compares so. `Null` equals only `Null`, and is neither less nor greater than anything.
    Compare(&'static str, Comparison, Value),
    /// Those whose indexed field equals one of the values.
    OneOf(&'static str, Vec<Value>),
    /// Those that every part takes. Without parts: every row.
    All(Vec<Filter>),
    /// Those that any part takes. Without parts: none.
    Any(Vec<Filter>),
}

/// Which rows, in what order, how many. Rows that the order leaves equal come by their keys.
#[derive(Clone, Debug, PartialEq)]
pub struct RowQuery {
    /// Which rows.
    pub filter: Filter,
    /// By which fields, and whether from the greatest. `Null` is the least.
    pub order: Vec<(&'static str, bool)>,
    /// How many at most.
    pub limit: Option<u32>,
    /// How many to pass over first.
    pub offset: u64,
}

/// A key whose event could not be folded. Its later events wait until it is retried or skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The projection, or `policy:NAME` where it is a policy that could not finish an event.
    pub projection: String,
    /// The key's text; empty where the projection as a whole is parked, because the event did not even yield a key.
    pub key: String,
    /// The event that could not be folded.
    pub position: Position,
    /// That event's name.
    pub event: String,
    /// What is wrong.
    pub error: String,
    /// How often it was tried in a row.
    pub attempts: u32,
}

/// A row that is no longer there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The key's text.
    pub key: String,
    /// The event that removed it.
    pub position: Position,
}

/// The right to run one projection, until it runs out or is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The projection.
    pub projection: &'static str,
    /// Grows with each change of hands: a transaction with an older one is refused.
    pub token: u64,
}

/// One of two builds of a view: the one that is read, or the one that will take its place.
#[derive(Clone, Copy, Debug)]
pub struct Generation {
    /// The view.
    pub shape: ViewShape,
    /// The projection that makes it.
    pub projection: &'static str,
}

/// How far a projection has come, and on which shape.
///
/// A projection that is [split](crate::AppBuilder::partitions) into `n` has one for each part, `PROJECTION@i/n`, with the
/// shape's fingerprint; its plain one has the position `n` then, and another fingerprint. To a store they are checkpoints like others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Every event up to here has been folded.
    pub position: Position,
    /// The id of the event at that position. `None` at the log's start, where the position is no place in the log, and where an
    /// older version of this crate has stored it without.
    pub event: Option<Uuid>,
    /// The shape that its rows were folded into. Of a policy (`policy:NAME`), which has no rows: who is at work on the event that
    /// follows, if anyone is.
    pub fingerprint: u64,
}

impl Checkpoint {
    /// A checkpoint at this bookmark.
    #[must_use]
    pub const fn at(bookmark: Bookmark, fingerprint: u64) -> Self {
        Self { position: bookmark.position, event: bookmark.event, fingerprint }
    }

    /// Where it is, and at which event.
    #[must_use]
    pub const fn bookmark(&self) -> Bookmark {
        Bookmark { position: self.position, event: self.event }
    }
}

/// A database that holds views.
pub trait ViewStore: Send + Sync + 'static {
    /// What to call it in errors: the kind of store and where it is, without secrets.
    fn describe(&self) -> String;

    /// Makes room for a view: its table, its columns, its indexes. A table of another fingerprint is replaced by an empty
    /// one.
    ///
    /// Checkpoints of the old fingerprint stay: they tell the engine to start anew. One of the *new* fingerprint, left by an
    /// earlier program of this shape, is removed together with the making of the empty table: it claims rows that are not there.
    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The rows of these keys, those that are there, in no particular order. On a connection that cannot write.
    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// The rows that a search finds. On a connection that cannot write.
    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// How many rows a filter takes. On a connection that cannot write.
    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// How far a projection has come, `None` before its first checkpoint.
    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>>;

    /// The parked keys of all projections.
    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>>;

    /// Asks whether everything that queries need can be reached: each table, say, where another session may lock one. It takes
    /// less than a second where it can. Default: [`parked`](Self::parked).
    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.parked().await.map(drop) })
    }

    /// Starts a transaction of this store alone, under leases: it takes effect only while each of them is the newest of its
    /// projection.
    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        let (store, _) = (self.describe(), leases);
        Box::pin(async { Err(alone(store)) })
    }

    /// Takes or renews the right to run projections, for `time` from now, and says which `owner` has: `None` where another's
    /// has not run out. Whoever had it last keeps the token, another gets the next one.
    ///
    /// The time is the store's own, not this machine's, where the store is a server. Nothing rests on its going evenly: a lease that
    /// runs out early costs double work, and one that runs out late a delay.
    fn lease<'a>(
        &'a self,
        projections: &'a [&'static str],
        owner: &'a str,
        time: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Lease>>, StoreError>> {
        let (store, _) = (self.describe(), (projections, owner, time));
        Box::pin(async { Err(alone(store)) })
    }

    /// Who holds the right to run each of these projections, as [`lease`](Self::lease) was told: `None` where it was never
    /// taken, was given back, or has run out.
    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        let (store, _) = (self.describe(), projections);
        Box::pin(async { Err(alone(store)) })
    }

    /// Gives leases back before they run out. One that another has taken over stays his.
    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        let (store, _) = (self.describe(), leases);
        Box::pin(async { Err(alone(store)) })
    }

    /// Everything that is stored of views and projections, used or not.
    fn contents(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        let store = self.describe();
        Box::pin(async { Err(unlisted(store)) })
    }

    /// Removes what is stored under these names, in one step, and says that it did; unless the lease `mark` is held, or was
    /// less than `unused` ago.
    fn remove<'a>(
        &'a self,
        removal: &'a Removal,
        mark: &'a str,
        unused: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        let (store, _) = (self.describe(), (removal, mark, unused));
        Box::pin(async { Err(unlisted(store)) })
    }

    /// The marker type of the database that `Reader<Db>` names, if queries may have one.
    fn database(&self) -> Option<DatabaseInfo> {
        None
    }

    /// A connection that the database itself holds read-only, for `Reader<Db>`: the `Db::Reader` of the adapter's
    /// [`Database`](crate::capability::Database).
    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Any + Send>, StoreError>> {
        let store = self.describe();
        Box::pin(async { Err(StoreError::Failed { store, reason: "it has no reader to hand to a query".into() }) })
    }
}

fn alone(store: String) -> StoreError {
    StoreError::Failed { store, reason: "it holds views inside a log's transactions only".into() }
}

fn unlisted(store: String) -> StoreError {
    StoreError::Failed { store, reason: "it does not list what it holds".into() }
}

/// Everything that a store holds of views and projections, in no particular order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Every checkpoint, by its name.
    pub checkpoints: Vec<(String, Checkpoint)>,
    /// Every view that was [prepared](ViewStore::prepare), by its name, and how many rows it has.
    pub views: Vec<(String, u64)>,
    /// Every lease, by its projection, and how long ago it ran out by the store's time: zero where it is held, and any time where it
    /// was given back.
    pub leases: Vec<(String, Duration)>,
}

/// What is to be removed from a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Checkpoints and parked keys, by their projections.
    pub projections: Vec<String>,
    /// Views, with all their rows.
    pub views: Vec<String>,
}

/// A transaction of a view store of its own. Dropped without [`commit`](Self::commit), it leaves no trace.
pub trait StandaloneTransaction: ViewTransaction {
    /// Makes room for a view as [`ViewStore::prepare`] does, but only while the transaction's leases are the newest: who was
    /// taken over must not put an empty table in the place of what another has filled. It may show before the commit.
    fn prepare<'a>(&'a mut self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Makes everything show, if its leases are still the newest.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}

/// Views inside a transaction.
pub trait ViewTransaction: Send {
    /// The rows of these keys, those that are there, in no particular order.
    fn rows<'a>(&'a mut self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// The rows whose indexed field `index` equals one of `values`.
    fn rows_by<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        index: &'static str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// Of these keys, those whose rows were removed and that the store still knows of: only one without transactions does.
    fn removed<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        let _ = (shape, keys);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Puts rows in place of those that have their keys, and removes others. A store without transactions never lets an older
    /// position overwrite a newer one.
    fn write<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        put: &'a [Row],
        remove: &'a [Removed],
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes every row of a view (and every mark of a removed one), every parked key of the projection, and its checkpoint; with a shape, also every checkpoint
    /// of its fingerprint, whichever projection's: a projection that had another name claims rows that are gone.
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

    /// Parks keys, in place of what was known of the same ones.
    fn park<'a>(&'a mut self, parked: &'a [Parked]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Parks a key no longer, if it is parked.
    fn unpark<'a>(&'a mut self, projection: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Puts a view that was built beside another in its place: the rows, the checkpoint and the parked keys of `next` become
    /// those of `live`, whose own are gone, the checkpoint with the fingerprint of `live`. Afterwards there is no `next`.
    ///
    /// The two differ in name and fingerprint alone, but what is stored as `live` may be of any older shape, or not there.
    fn replace(&mut self, live: Generation, next: Generation) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The `Tx<Db>` of an async projection: a [`Tx`](crate::capability::Tx) of this store's database.
    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        None
    }

    /// Marks a place to return to.
    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Undoes all since the last savepoint (`true`), or keeps it (`false`), and forgets the savepoint.
    fn end_savepoint(&mut self, undo: bool) -> BoxFuture<'_, Result<(), StoreError>>;
}

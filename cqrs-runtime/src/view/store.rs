//! What a database must do to hold views.
//!
//! # Writing an adapter
//!
//! Implement [`ViewStore`] and [`ViewTransaction`], and run [`crate::view_conformance`] on the result. A store keeps, for
//! each view, one row a key; for each projection, how far it has come; and the keys that are parked.

use std::any::Any;

use super::{Comparison, Value, ViewShape};
use crate::log::{BoxFuture, DatabaseInfo, Position, StoreError};

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
}

/// How far a projection has come, and on which shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Every event up to here has been folded.
    pub position: Position,
    /// The shape that its rows were folded into. Of a policy (`policy:NAME`), which has no rows: who is at work on the event that
    /// follows, if anyone is.
    pub fingerprint: u64,
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

    /// Puts rows in place of those that have their keys, and removes the rows of the keys `remove`.
    fn write<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        put: &'a [Row],
        remove: &'a [String],
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes every row of a view, every parked key of the projection, and its checkpoint; with a shape, also every checkpoint
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

    /// Parks keys.
    fn park<'a>(&'a mut self, parked: &'a [Parked]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The `Tx<Db>` of an async projection: a [`Tx`](crate::capability::Tx) of this store's database.
    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        None
    }

    /// Marks a place to return to.
    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Undoes all since the last savepoint (`true`), or keeps it (`false`), and forgets the savepoint.
    fn end_savepoint(&mut self, undo: bool) -> BoxFuture<'_, Result<(), StoreError>>;
}

//! The event log: one append-only sequence, read by name and tag.
//!
//! After the specification of dynamic consistency boundaries (<https://dcb.events/specification/>): an aggregate is a query
//! on one tag, so a classic stream is one case of it and not a second mechanism.
//!
//! # Writing an adapter
//!
//! Implement [`EventLog`] and [`LogTransaction`], and run [`conformance`] on the result. The one thing that everything
//! else rests on: **commit order is position order**. Whoever may append holds the log's one lock from before it learns the
//! head until after its commit, so that a reader who has seen position *p* never meets a smaller one later.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::RecordedEvent;
use crate::id::Tag;
use crate::meta::CommandId;
use crate::snapshot::SnapshotStore;
use crate::view::{ViewStore, ViewTransaction};

mod append;
pub mod conformance;
mod memory;

pub use append::{
    AppendEntry, AppendError, Appended, Condition, EventStream, NewEvents, RawEvent, append, append_raw, read,
};
pub use memory::MemoryLog;

/// A boxed future, as the object-safe traits of adapters return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A place in the log. The first event stands at 1; 0 is the empty log's head, "before everything".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before every event.
    pub const START: Self = Self(0);

    /// The place numbered `position`.
    #[must_use]
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next place.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for Position {
    fn from(position: u64) -> Self {
        Self(position)
    }
}

impl From<Position> for u64 {
    fn from(position: Position) -> Self {
        position.0
    }
}

impl PartialEq<u64> for Position {
    fn eq(&self, other: &u64) -> bool {
        self.0 == *other
    }
}

impl PartialOrd<u64> for Position {
    fn partial_cmp(&self, other: &u64) -> Option<std::cmp::Ordering> {
        self.0.partial_cmp(other)
    }
}

/// Which events: those that any of the items matches. Without items: every event.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct EventQuery {
    /// The alternatives.
    pub items: Vec<QueryItem>,
}

/// Events of *any* of the names (none: of every name) that carry *all* of the tags.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct QueryItem {
    /// The names, any of which will do.
    pub names: Vec<Cow<'static, str>>,
    /// The tags, all of which must be there.
    pub tags: Vec<Tag>,
}

impl EventQuery {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The events of these names, whatever their tags.
    #[must_use]
    pub fn named(names: &[&'static str]) -> Self {
        Self { items: vec![QueryItem { names: names.iter().map(|&name| name.into()).collect(), tags: Vec::new() }] }
    }

    /// The events that carry this tag.
    #[must_use]
    pub fn tagged(tag: Tag) -> Self {
        Self { items: vec![QueryItem { names: Vec::new(), tags: vec![tag] }] }
    }

    /// Also the events of `item`.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        self.items.push(item);
        self
    }

    /// Whether the query takes this event.
    #[must_use]
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(event))
    }
}

impl QueryItem {
    /// Whether the item takes this event.
    #[must_use]
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        (self.names.is_empty() || self.names.iter().any(|name| name == event.name()))
            && self.tags.iter().all(|tag| event.tags().contains(tag))
    }
}

/// Some events, in order, and how far the reading came.
#[derive(Debug, Default)]
pub struct Page {
    /// The events, ascending.
    pub events: Vec<RecordedEvent>,
    /// Every event that the query matches up to here has been delivered, by this page or before. It is the log's head as
    /// the read's own snapshot saw it, unless the page was cut at its limit: then the last event's position.
    pub up_to: Position,
    /// Whether the page was cut at its limit.
    pub more: bool,
}

/// What the log remembers of a command that came with an id, so that the same id again runs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// The caller's id.
    pub id: CommandId,
    /// The command's name: the same id for another command is a mistake, and refused.
    pub command: Cow<'static, str>,
    /// The log's head right after its events.
    pub position: Position,
    /// How many events it stated.
    pub events: u32,
    /// What it returned, as JSON.
    pub returned: Box<str>,
}

/// A failure of the store itself: not of the domain, and not of the caller.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or is too busy. Nothing was changed; the same may be tried again.
    #[error("{store} is unavailable: {reason}")]
    Unavailable {
        /// Which store, and where.
        store: String,
        /// What it said.
        reason: String,
    },
    /// It answered with an error, or holds what it should not. Nothing was changed.
    #[error("{store} failed: {reason}")]
    Failed {
        /// Which store, and where.
        store: String,
        /// What it said.
        reason: String,
    },
    /// It may or may not have committed: the answer was lost. A command with an id may be sent again.
    #[error("{store} did not say whether it committed: {reason}")]
    Unknown {
        /// Which store, and where.
        store: String,
        /// What it said.
        reason: String,
    },
}

/// How often a log is asked for its head that does not tell by itself.
const POLL: Duration = Duration::from_millis(200);

/// An append-only log of events.
pub trait EventLog: Send + Sync + 'static {
    /// What to call it in errors: the kind of store and where it is, without secrets.
    fn describe(&self) -> String;

    /// The events that `query` takes after position `after`, ascending, `limit` at most, from one snapshot that holds
    /// every commit made before the call.
    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// The position of the last committed event.
    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>>;

    /// Takes the log's one lock, waiting for whoever holds it, in this process or another.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the lock could not be had in the adapter's time.
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>>;

    /// Returns when the log may hold an event after `after`: a store that tells of the appends of other processes says so at
    /// once. It may return early, and it need not tell of what this process appends. Left as it is, it asks for the head five
    /// times a second.
    fn changed(&self, after: Position) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                tokio::time::sleep(POLL).await;
                if self.head().await.is_ok_and(|head| head > after) {
                    return;
                }
            }
        })
    }

    /// The view store that lives in the same database, whose writes join the log's transactions (level 1).
    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        None
    }

    /// Where snapshots of aggregates are kept. Without one, aggregates are always folded from their first event.
    fn snapshots(&self) -> Option<Arc<dyn SnapshotStore>> {
        None
    }

    /// The marker type of the database that `Tx<Db>` and `Reader<Db>` name, if handlers may have one.
    fn database(&self) -> Option<DatabaseInfo> {
        None
    }
}

/// Names a database type at run time.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseInfo {
    /// Tells whether a handler's `Tx<Db>` is this one.
    pub type_id: std::any::TypeId,
    /// The type's name, for messages.
    pub name: &'static str,
}

impl DatabaseInfo {
    /// Describes `Db`.
    #[must_use]
    pub fn of<Db: 'static>() -> Self {
        Self { type_id: std::any::TypeId::of::<Db>(), name: std::any::type_name::<Db>() }
    }
}

/// The log under its lock. Dropped without [`commit`](Self::commit), it leaves no trace.
pub trait LogTransaction: Send {
    /// The last committed position. Nobody else moves it while this transaction lives.
    fn head(&self) -> Position;

    /// As [`EventLog::read`], seeing also what this transaction has appended.
    fn read<'a>(
        &'a mut self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// What is known of commands with these ids, in the order of `ids`.
    fn commands<'a>(
        &'a mut self,
        ids: &'a [CommandId],
    ) -> BoxFuture<'a, Result<Vec<Option<CommandRecord>>, StoreError>>;

    /// Appends events that stand right after what this transaction holds so far, in the order of their positions, and
    /// remembers `commands`.
    fn append<'a>(
        &'a mut self,
        events: &'a [RecordedEvent],
        commands: &'a [CommandRecord],
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The views of the same database, written in this transaction (level 1).
    fn views(&mut self) -> Option<&mut dyn ViewTransaction> {
        None
    }

    /// The `Tx<Db>` of a workflow: a [`Tx`](crate::capability::Tx) of this log's database.
    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        None
    }

    /// Stores everything for good. When it returns `Ok`, the events survive a crash of this machine, as far as the
    /// adapter's settings promise.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}

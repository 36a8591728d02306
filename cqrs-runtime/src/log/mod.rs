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
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::event::RecordedEvent;
use crate::id::Tag;
use crate::meta::CommandId;
use crate::snapshot::SnapshotStore;
use crate::time::Timestamp;
use crate::view::{ViewStore, ViewTransaction};

mod append;
pub mod conformance;
mod content;
mod copy;
mod memory;
mod names;
mod position;
mod timeout;

pub use append::{
    AppendEntry, AppendError, Appended, Condition, EventStream, NewEvents, RawEvent, append, append_raw, read,
};
pub use content::ContentHash;
pub use copy::{Copied, Copy, CopyError, CopyPhase, CopyProgress, copy};
pub use memory::MemoryLog;
pub use names::{Declaration, DeclaredName, NameKind, NameRegister, StoredNames};
pub use position::{Bookmark, Position};
pub(crate) use timeout::StoreTimeout;

/// A boxed future, as the object-safe traits of adapters return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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
    /// The id of the event at `up_to`, of whatever name. `None` where there is none: in an empty log, or beyond the log's end.
    pub last: Option<Uuid>,
    /// The id of the event at the position that the page was read after, of whatever name. `None` where there is none: at the
    /// log's start, or beyond its end.
    pub before: Option<Uuid>,
    /// Whether the page was cut at its limit.
    pub more: bool,
}

impl Page {
    /// Where the page ends: its `up_to`, with the event there.
    #[must_use]
    pub fn end(&self) -> Bookmark {
        Bookmark { position: self.up_to, event: self.last }
    }

    /// Whether the page, which was read after this bookmark's position, continues it: the log still holds its event there.
    ///
    /// Whoever reads page after page checks this for each. A log that was restored from a backup continues no bookmark of what
    /// it has lost.
    #[must_use]
    pub fn continues(&self, bookmark: Bookmark) -> bool {
        bookmark.agrees_with(self.before)
    }
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
    /// A hash of its content: the same id with other content is a mistake, and refused. `None` of a policy's command, whose id is made
    /// of the event that it answers, and of one that was recorded before there were such hashes: those are compared by name alone.
    pub content: Option<ContentHash>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
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

/// Every event.
static ALL: EventQuery = EventQuery { items: Vec::new() };

/// Whether a page that was read from right before a bookmark begins with its event.
fn holds(bookmark: &Bookmark, page: &Page) -> bool {
    let found = page.events.first().filter(|event| event.position() == bookmark.position);
    bookmark.agrees_with(found.map(|event| event.header().id))
}

/// Why a reader that goes from page to page must begin again.
pub(crate) fn lost_while_read(after: Bookmark) -> StoreError {
    StoreError::Unavailable {
        store: "the log".into(),
        reason: format!(
            "it was read up to position {after}, and no longer holds the event there: it was restored from a backup, or has failed \
             over to a server that lacks its last events; read it again"
        ),
    }
}

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

    /// The last committed event: its position and its id. An adapter asks for both in one statement.
    ///
    /// Default: asks for the head, and reads the event there.
    fn last(&self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        Box::pin(async {
            let head = self.head().await?;
            let page = self.read(&ALL, head.previous(), 1).await?;
            Ok(page.events.first().map_or(Bookmark::from(head), Bookmark::from))
        })
    }

    /// Whether the log holds these bookmarks, in their order: each the same event at the same position. One look-up each, by the
    /// position.
    ///
    /// Default: reads the event at each position.
    fn holds<'a>(&'a self, bookmarks: &'a [Bookmark]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        Box::pin(async move {
            let mut held = Vec::with_capacity(bookmarks.len());
            for bookmark in bookmarks {
                let page = self.read(&ALL, bookmark.position.previous(), 1).await?;
                held.push(holds(bookmark, &page));
            }
            Ok(held)
        })
    }

    /// Asks whether everything that commands need can be reached: each table, say, where another session may lock one. It takes
    /// less than a second where it can. Default: [`head`](Self::head).
    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.head().await.map(drop) })
    }

    /// Takes the log's one lock, waiting for whoever holds it, in this process or another.
    ///
    /// The wait has a bound of the adapter's. The app has one of its own
    /// ([`AppBuilder::store_timeout`](crate::AppBuilder::store_timeout)) for this and every other call: it then drops the future, which
    /// must leave nothing behind.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the lock could not be had in the adapter's time.
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>>;

    /// Returns when the log may hold an event after `after`, or may end before it: a store that notifies of the appends of other
    /// processes does so at once. It may return early, and it need not notify of what this process appends.
    ///
    /// Default: asks for the head five times a second.
    fn changed(&self, after: Position) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                tokio::time::sleep(POLL).await;
                if self.head().await.is_ok_and(|head| head != after) {
                    return;
                }
            }
        })
    }

    /// The records of commands, `limit` at most, in an order of the store's own, after that of `after`.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where the log does not list them, as it does unless it implements this.
    fn command_records<'a>(
        &'a self,
        after: Option<&'a CommandId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<CommandRecord>, StoreError>> {
        let (_, _) = (after, limit);
        Box::pin(std::future::ready(Err(no_list(self.describe()))))
    }

    /// How many commands are on record; where `before` is given, those that were recorded before that time.
    ///
    /// # Errors
    /// As for [`command_records`](Self::command_records).
    fn count_command_records(&self, before: Option<Timestamp>) -> BoxFuture<'_, Result<u64, StoreError>> {
        let _ = before;
        Box::pin(std::future::ready(Err(no_list(self.describe()))))
    }

    /// Removes the records of the commands that were recorded before a time, and returns how many there were. Their events stay; a
    /// command that is sent again with the id of a removed record runs again.
    ///
    /// It removes them in steps, so that nobody waits long: where it fails, some are removed already.
    ///
    /// # Errors
    /// As for [`command_records`](Self::command_records).
    fn forget_commands(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        let _ = before;
        Box::pin(std::future::ready(Err(no_list(self.describe()))))
    }

    /// The view store that lives in the same database, whose writes join the log's transactions (level 1).
    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        None
    }

    /// Where snapshots of aggregates are kept. Without one, aggregates are always folded from their first event.
    fn snapshots(&self) -> Option<Arc<dyn SnapshotStore>> {
        None
    }

    /// The register of names. Without one, a name that disappears is not noticed (rule 808).
    fn names(&self) -> Option<Arc<dyn NameRegister>> {
        None
    }

    /// The marker type of the database that `Tx<Db>` and `Reader<Db>` name, if handlers may have one.
    fn database(&self) -> Option<DatabaseInfo> {
        None
    }
}

fn no_list(store: String) -> StoreError {
    StoreError::Failed { store, reason: "it does not list its records of commands".into() }
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

    /// The last committed event, at the [`head`](Self::head): its position and its id. An adapter learns it together with the
    /// head, and answers at once.
    ///
    /// Default: reads the event at the head.
    fn last(&mut self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        Box::pin(async {
            let head = self.head();
            let page = self.read(&ALL, head.previous(), 1).await?;
            Ok(page.events.first().map_or(Bookmark::from(head), Bookmark::from))
        })
    }

    /// As [`EventLog::holds`], seeing also what this transaction has appended.
    fn holds<'a>(&'a mut self, bookmarks: &'a [Bookmark]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        Box::pin(async move {
            let mut held = Vec::with_capacity(bookmarks.len());
            for bookmark in bookmarks {
                let page = self.read(&ALL, bookmark.position.previous(), 1).await?;
                held.push(holds(bookmark, &page));
            }
            Ok(held)
        })
    }

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

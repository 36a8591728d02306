//! The event log: one append-only sequence, read by name and tag.

use std::any::Any;
use std::borrow::Cow;
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
mod arc;
mod content;
mod copy;
mod names;

pub use super::database::DatabaseInfo;
pub use super::position::{Bookmark, Position};
pub use super::store_error::{BoxFuture, StoreError};
pub use append::{
    AppendEntry, AppendError, Appended, Condition, EventStream, NewEvents, RawEvent, append, append_raw, read,
};
pub use content::ContentHash;
pub use copy::{Copied, Copy, CopyError, CopyPhase, CopyProgress, copy};
pub use names::{Declaration, DeclaredName, NameKind, NameRegister, StoredNames};

/// Selects events: those that match any of the items. Without items: every event.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct EventQuery {
    /// The alternatives.
    pub items: Vec<QueryItem>,
}

/// Selects events that have *any* of the names and *all* of the tags. Without names: events of every name.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct QueryItem {
    /// The names, one of which an event must have.
    pub names: Vec<Cow<'static, str>>,
    /// The tags, all of which an event must carry.
    pub tags: Vec<Tag>,
}

impl EventQuery {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The events with these names, for any tags.
    #[must_use]
    pub fn named(names: &[&'static str]) -> Self {
        Self { items: vec![QueryItem { names: names.iter().map(|&name| name.into()).collect(), tags: Vec::new() }] }
    }

    /// The events that carry this tag.
    #[must_use]
    pub fn tagged(tag: Tag) -> Self {
        Self { items: vec![QueryItem { names: Vec::new(), tags: vec![tag] }] }
    }

    /// Adds the events that match `item`.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        self.items.push(item);
        self
    }

    /// Whether this event matches.
    #[must_use]
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(event))
    }
}

impl QueryItem {
    /// Whether this event matches.
    #[must_use]
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        (self.names.is_empty() || self.names.iter().any(|name| name == event.name()))
            && self.tags.iter().all(|tag| event.tags().contains(tag))
    }
}

/// Some events in order, and the position that reading has reached.
#[derive(Debug, Default)]
pub struct Page {
    /// The events, ascending.
    pub events: Vec<RecordedEvent>,
    /// Every matching event up to this position has been delivered, by this page or before. It is the log's head as the
    /// read's own snapshot saw it. If the page was cut at its limit, it is the last event's position.
    pub up_to: Position,
    /// The id of the event at `up_to`, of any name. `None` in an empty log and beyond the log's end.
    pub last: Option<Uuid>,
    /// The id of the event at the position that the page was read after, of any name. `None` at the log's start and beyond
    /// its end.
    pub before: Option<Uuid>,
    /// Whether the page was cut at its limit.
    pub more: bool,
}

impl Page {
    /// The end of the page: its `up_to` with the event there.
    #[must_use]
    pub fn end(&self) -> Bookmark {
        Bookmark { position: self.up_to, event: self.last }
    }

    /// Whether the log still holds the bookmark's event. The page must have been read after the bookmark's position.
    ///
    /// A reader checks this for each page. A log that was restored from a backup has lost events, and does not continue a
    /// bookmark of one of those.
    #[must_use]
    pub fn continues(&self, bookmark: Bookmark) -> bool {
        bookmark.agrees_with(self.before)
    }
}

/// The log's record of a command with an id, so that the same id does not run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// The caller's id.
    pub id: CommandId,
    /// The command's name: the same id for another command is refused as a mistake.
    pub command: Cow<'static, str>,
    /// The log's head right after its events.
    pub position: Position,
    /// How many events it emitted.
    pub events: u32,
    /// What it returned, as JSON.
    pub returned: Box<str>,
    /// A hash of its content: the same id with other content is refused as a mistake. `None` for a command of a policy, whose id is
    /// derived from its event, and for a record from before content hashes existed: those are compared by name only.
    pub content: Option<ContentHash>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// Poll interval for logs that do not push notifications.
const POLL: Duration = Duration::from_millis(200);

/// Every event.
static ALL: EventQuery = EventQuery { items: Vec::new() };

/// Whether a page that was read from just before a bookmark begins with the bookmark's event.
fn holds(bookmark: &Bookmark, page: &Page) -> bool {
    let found = page.events.first().filter(|event| event.position() == bookmark.position);
    bookmark.agrees_with(found.map(|event| event.header().id))
}

/// The error of a reader whose next page no longer continues the last one.
#[doc(hidden)]
#[must_use]
pub fn lost_while_read(after: Bookmark) -> StoreError {
    StoreError::Unavailable {
        store: "the log".into(),
        reason: format!(
            "it no longer holds the event at position {after}, which was already read: it was restored from a backup, or has failed \
             over to a server that lacks its last events; read it again from the start"
        ),
    }
}

/// An append-only log of events.
pub trait EventLog: Send + Sync + 'static {
    /// The log's name in errors: the kind of store and its location, without secrets.
    fn describe(&self) -> String;

    /// The events that match `query` after position `after`, ascending, at most `limit`, from one snapshot that
    /// contains every commit made before the call.
    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// The position of the last committed event.
    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>>;

    /// The last committed event: its position and id. An adapter reads both in one statement.
    ///
    /// Default: reads the head, then the event there.
    fn last(&self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        Box::pin(async {
            let head = self.head().await?;
            let page = self.read(&ALL, head.previous(), 1).await?;
            Ok(page.events.first().map_or(Bookmark::from(head), Bookmark::from))
        })
    }

    /// Whether the log holds each of these bookmarks: the same event at the same position. The answers are in the order of the
    /// bookmarks. An adapter needs one look-up by position for each.
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

    /// Checks that everything that commands need can be reached: each table, for example, since another session may have locked
    /// one. It takes less than a second if so. Default: [`head`](Self::head).
    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.head().await.map(drop) })
    }

    /// Takes the log's one lock, and waits for its holder in this process or another.
    ///
    /// The adapter bounds the wait. The app bounds this and every other call by
    /// `AppBuilder::store_timeout`: it then drops the future, which must leave nothing behind.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the lock was not free within the adapter's bound.
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>>;

    /// Returns when the log may hold an event after `after`, or may end before it. A store that pushes notifications returns as
    /// soon as another process appends. It may return early, and need not return for appends of this process.
    ///
    /// Default: reads the head five times a second.
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

    /// The command records after `after`, at most `limit`, in any fixed order of the store.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if the log cannot list them. This is the default.
    fn command_records<'a>(
        &'a self,
        after: Option<&'a CommandId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<CommandRecord>, StoreError>> {
        let (_, _) = (after, limit);
        Box::pin(std::future::ready(Err(no_list(self.describe()))))
    }

    /// How many command records there are. With `before`, only those that were recorded before that time.
    ///
    /// # Errors
    /// As for [`command_records`](Self::command_records).
    fn count_command_records(&self, before: Option<Timestamp>) -> BoxFuture<'_, Result<u64, StoreError>> {
        let _ = before;
        Box::pin(std::future::ready(Err(no_list(self.describe()))))
    }

    /// Removes the command records from before a time, and returns how many were removed. Their events stay. A command that is
    /// sent again with the id of a removed record runs again.
    ///
    /// It removes them in steps, so that no other call waits long. After an error some may be removed.
    ///
    /// # Errors
    /// As for [`command_records`](Self::command_records).
    fn forget_commands(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        let _ = before;
        Box::pin(std::future::ready(Err(no_list(self.describe()))))
    }

    /// The view store in the same database, whose writes join the log's transactions (level 1).
    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        None
    }

    /// The store of aggregate snapshots. Without one, aggregates are always folded from their first event.
    fn snapshots(&self) -> Option<Arc<dyn SnapshotStore>> {
        None
    }

    /// The register of names. Without one, a name that disappears is not noticed (rule 808).
    fn names(&self) -> Option<Arc<dyn NameRegister>> {
        None
    }

    /// The marker type of the database that handlers name in `Tx<Db>` and `Reader<Db>`, if they may.
    fn database(&self) -> Option<DatabaseInfo> {
        None
    }
}

fn no_list(store: String) -> StoreError {
    StoreError::Failed { store, reason: "it cannot list its command records".into() }
}

/// A transaction on the log, under its lock. Dropped without [`commit`](Self::commit), it leaves nothing
/// behind.
pub trait LogTransaction: Send {
    /// The last committed position. Nothing else moves it during this transaction.
    fn head(&self) -> Position;

    /// The last committed event, at the [`head`](Self::head): its position and id. An adapter reads it together with the
    /// head, and returns it at once.
    ///
    /// Default: reads the event at the head.
    fn last(&mut self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        Box::pin(async {
            let head = self.head();
            let page = self.read(&ALL, head.previous(), 1).await?;
            Ok(page.events.first().map_or(Bookmark::from(head), Bookmark::from))
        })
    }

    /// Like [`EventLog::holds`], including what this transaction has appended.
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

    /// Like [`EventLog::read`], including what this transaction has appended.
    fn read<'a>(
        &'a mut self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// The records of commands with these ids, in the order of `ids`.
    fn commands<'a>(
        &'a mut self,
        ids: &'a [CommandId],
    ) -> BoxFuture<'a, Result<Vec<Option<CommandRecord>>, StoreError>>;

    /// Appends events and command records. The events have the positions right after the last event that this
    /// transaction sees, in ascending order.
    fn append<'a>(
        &'a mut self,
        events: &'a [RecordedEvent],
        commands: &'a [CommandRecord],
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The views of the same database, written in this transaction (level 1).
    fn views(&mut self) -> Option<&mut dyn ViewTransaction> {
        None
    }

    /// The [`Tx`](crate::database::Tx) of this log's database that a workflow takes as `Tx<Db>`.
    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        None
    }

    /// Commits. After `Ok` the events survive a crash of this machine, as far as the adapter's settings promise.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}

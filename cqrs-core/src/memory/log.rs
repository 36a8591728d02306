//! An event log in memory, for tests and for programs that store nothing.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use crate::debug::opaque_debug;
use crate::event::RecordedEvent;
use crate::id::Tag;
use crate::log::{
    CommandRecord, Declaration, DeclaredName, EventLog, EventQuery, LogTransaction, NameRegister, Page, QueryItem,
    StoredNames,
};
use crate::memory::snapshots::MemorySnapshots;
use crate::memory::views::{MemoryViewTransaction, MemoryViews};
use crate::meta::CommandId;
use crate::position::{Bookmark, Position};
use crate::snapshot::SnapshotStore;
use crate::store_error::{BoxFuture, StoreError};
use crate::time::Timestamp;
use crate::view::{ViewStore, ViewTransaction};

/// An event log with views and snapshots in memory. Clones share one log.
#[derive(Clone, Default)]
pub struct MemoryLog {
    lock: Arc<Mutex<()>>,
    stored: Arc<RwLock<Stored>>,
    views: Arc<MemoryViews>,
    snapshots: Arc<MemorySnapshots>,
}

opaque_debug!(MemoryLog);

#[derive(Default)]
struct Stored {
    /// The event at position p has index p - 1.
    events: Vec<RecordedEvent>,
    by_tag: HashMap<Tag, Vec<usize>>,
    commands: BTreeMap<CommandId, CommandRecord>,
    /// The names of the events.
    names: BTreeSet<String>,
    /// One tag of each prefix.
    prefixes: BTreeMap<String, Tag>,
    declared: Vec<DeclaredName>,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with<R>(&self, read: impl FnOnce(&Stored) -> R) -> R {
        read(&self.stored.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Stored {
    fn head(&self) -> Position {
        Position::new(self.events.len() as u64)
    }

    fn last(&self) -> Bookmark {
        self.events.last().map_or(Bookmark::START, Bookmark::from)
    }

    /// The id of the event at a position.
    fn id(&self, position: Position) -> Option<Uuid> {
        let index = usize::try_from(position.get().checked_sub(1)?).ok()?;
        self.events.get(index).map(|event| event.header().id)
    }

    fn page(&self, query: &EventQuery, after: Position, limit: usize) -> Page {
        let before = self.id(after);
        let start = usize::try_from(after.get()).unwrap_or(usize::MAX).min(self.events.len());
        let mut events: Vec<RecordedEvent> = Vec::new();
        let mut take = |index: usize| {
            let event = &self.events[index];
            if query.matches(event) {
                events.push(event.clone());
            }
            events.len() > limit
        };
        if query.items.is_empty() || query.items.iter().any(|item| item.tags.is_empty()) {
            let _ = (start..self.events.len()).any(&mut take);
        } else {
            // The cost of an item depends on its rarest tag, not on the length of the log.
            let candidates: BTreeSet<usize> =
                query.items.iter().flat_map(|item| self.candidates(item, start).iter().copied()).collect();
            let _ = candidates.into_iter().any(&mut take);
        }
        let more = events.len() > limit;
        events.truncate(limit);
        let up_to = match events.last() {
            Some(last) if more => last.position(),
            _ => self.head().max(after),
        };
        Page { events, up_to, last: self.id(up_to), before, more }
    }

    fn candidates(&self, item: &QueryItem, after: usize) -> &[usize] {
        let lists = item.tags.iter().map(|tag| self.by_tag.get(tag).map_or(&[][..], Vec::as_slice));
        let rarest = lists.min_by_key(|list| list.len()).unwrap_or_default();
        &rarest[rarest.partition_point(|&index| index < after)..]
    }

    fn push(&mut self, event: RecordedEvent) {
        for tag in event.tags() {
            if !tag.prefix().is_empty() && !self.prefixes.contains_key(tag.prefix()) {
                self.prefixes.insert(tag.prefix().to_owned(), tag.clone());
            }
            self.by_tag.entry(tag.clone()).or_default().push(self.events.len());
        }
        if !self.names.contains(event.name()) {
            self.names.insert(event.name().to_owned());
        }
        self.events.push(event);
    }

    fn declare(&mut self, names: &[Declaration]) {
        let generation = self.declared.iter().map(|name| name.generation).max().unwrap_or(0) + 1;
        for new in names {
            let known = self.declared.iter_mut().map(|name| &mut name.declaration);
            match known.into_iter().find(|known| (known.kind, &known.name) == (new.kind, &new.name)) {
                Some(known) => {
                    if new.replaced_by.is_some() {
                        known.replaced_by.clone_from(&new.replaced_by);
                    }
                }
                None => self.declared.push(DeclaredName { declaration: new.clone(), generation }),
            }
        }
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl EventLog for MemoryLog {
    fn describe(&self) -> String {
        "the log in memory".into()
    }

    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        ready(Ok(self.with(|stored| stored.page(query, after, limit))))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        ready(Ok(self.with(Stored::head)))
    }

    fn last(&self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        ready(Ok(self.with(Stored::last)))
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
        Box::pin(async {
            let guard = Arc::clone(&self.lock).lock_owned().await;
            let transaction = MemoryTransaction {
                log: self.clone(),
                last: self.with(Stored::last),
                events: Vec::new(),
                commands: Vec::new(),
                views: self.views.inside(),
                _guard: guard,
            };
            Ok(Box::new(transaction) as Box<dyn LogTransaction>)
        })
    }

    fn command_records<'a>(
        &'a self,
        after: Option<&'a CommandId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<CommandRecord>, StoreError>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = |stored: &Stored| {
            stored.commands.range((from, Bound::Unbounded)).take(limit).map(|(_, record)| record.clone()).collect()
        };
        ready(Ok(self.with(page)))
    }

    fn count_command_records(&self, before: Option<Timestamp>) -> BoxFuture<'_, Result<u64, StoreError>> {
        let counts = |record: &&CommandRecord| before.is_none_or(|before| record.recorded_at < before);
        ready(Ok(self.with(|stored| stored.commands.values().filter(counts).count() as u64)))
    }

    fn forget_commands(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let _guard = self.lock.lock().await;
            let mut stored = self.stored.write().unwrap_or_else(PoisonError::into_inner);
            let known = stored.commands.len();
            stored.commands.retain(|_, record| record.recorded_at >= before);
            Ok((known - stored.commands.len()) as u64)
        })
    }

    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        Some(Arc::clone(&self.views) as Arc<dyn ViewStore>)
    }

    fn snapshots(&self) -> Option<Arc<dyn SnapshotStore>> {
        Some(Arc::clone(&self.snapshots) as Arc<dyn SnapshotStore>)
    }

    fn names(&self) -> Option<Arc<dyn NameRegister>> {
        Some(Arc::new(self.clone()))
    }
}

impl NameRegister for MemoryLog {
    fn stored(&self) -> BoxFuture<'_, Result<StoredNames, StoreError>> {
        ready(Ok(self.with(|stored| StoredNames {
            events: stored.names.iter().cloned().collect(),
            tags: stored.prefixes.values().cloned().collect(),
        })))
    }

    fn declared(&self) -> BoxFuture<'_, Result<Vec<DeclaredName>, StoreError>> {
        ready(Ok(self.with(|stored| stored.declared.clone())))
    }

    fn declare<'a>(&'a self, names: &'a [Declaration]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.stored.write().unwrap_or_else(PoisonError::into_inner).declare(names);
        ready(Ok(()))
    }
}

struct MemoryTransaction {
    log: MemoryLog,
    last: Bookmark,
    events: Vec<RecordedEvent>,
    commands: Vec<CommandRecord>,
    views: MemoryViewTransaction,
    _guard: OwnedMutexGuard<()>,
}

impl LogTransaction for MemoryTransaction {
    fn head(&self) -> Position {
        self.last.position
    }

    fn last(&mut self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        ready(Ok(self.last))
    }

    fn read<'a>(
        &'a mut self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        let mut page = self.log.with(|stored| stored.page(query, after, limit));
        if !page.more {
            if page.before.is_none() {
                let before = self.events.iter().find(|event| event.position() == after);
                page.before = before.map(|event| event.header().id);
            }
            let own = self.events.iter().filter(|event| event.position() > after && query.matches(event));
            page.events.extend(own.cloned());
            page.more = page.events.len() > limit;
            page.events.truncate(limit);
            let end = match page.events.last() {
                Some(last) if page.more => Bookmark::from(last),
                _ => self.events.last().map_or(self.last, Bookmark::from),
            };
            (page.up_to, page.last) = (end.position, end.event);
        }
        ready(Ok(page))
    }

    fn commands<'a>(
        &'a mut self,
        ids: &'a [CommandId],
    ) -> BoxFuture<'a, Result<Vec<Option<CommandRecord>>, StoreError>> {
        let own = |id: &CommandId| self.commands.iter().find(|record| record.id == *id).cloned();
        let found = |id: &CommandId| own(id).or_else(|| self.log.with(|stored| stored.commands.get(id).cloned()));
        ready(Ok(ids.iter().map(found).collect()))
    }

    fn append<'a>(
        &'a mut self,
        events: &'a [RecordedEvent],
        commands: &'a [CommandRecord],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.events.extend_from_slice(events);
        self.commands.extend_from_slice(commands);
        ready(Ok(()))
    }

    fn views(&mut self) -> Option<&mut dyn ViewTransaction> {
        Some(&mut self.views)
    }

    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        None
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let mut stored = self.log.stored.write().unwrap_or_else(PoisonError::into_inner);
        self.events.into_iter().for_each(|event| stored.push(event));
        stored.commands.extend(self.commands.into_iter().map(|record| (record.id.clone(), record)));
        // Events and views become visible at once: readers of the views wait for this lock.
        self.views.commit_now().expect("a log's transaction holds no lease");
        drop(stored);
        ready(Ok(()))
    }
}

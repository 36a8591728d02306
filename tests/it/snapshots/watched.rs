//! A log whose readings are counted, and whose snapshots are watched and disturbed.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use cqrs_postgres::PostgresLog;
use cqrs_runtime::event::RecordedEvent;
use cqrs_runtime::log::{
    Bookmark, BoxFuture, CommandRecord, DatabaseInfo, EventLog, EventQuery, LogTransaction, MemoryLog, Page, Position,
    StoreError,
};
use cqrs_runtime::snapshot::{Snapshot, SnapshotKey, SnapshotStore};
use cqrs_runtime::view::{ViewStore, ViewTransaction};
use cqrs_runtime::{CommandId, Tag};
use cqrs_sqlite::{SqliteLog, Synchronous};
use cqrs_test_servers::{Database, Postgres};
use tempfile::TempDir;
use tokio::sync::{Semaphore, watch};

/// How long to wait for a snapshot that does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A log, watched.
#[derive(Clone)]
pub struct Watched {
    inner: Arc<dyn EventLog>,
    read: Arc<AtomicUsize>,
    /// Whether commits fail.
    pub commits_fail: Arc<AtomicBool>,
    pub snapshots: Arc<WatchedSnapshots>,
    /// Where its file is, if it has one.
    pub folder: Option<Arc<TempDir>>,
    /// Where its database is, if it has one: it goes when this is dropped.
    _database: Option<Arc<Database>>,
}

pub struct WatchedSnapshots {
    inner: Arc<dyn SnapshotStore>,
    /// The last position saved of each tag.
    saved: watch::Sender<BTreeMap<Tag, Position>>,
    /// How many times something was saved.
    pub saves: AtomicUsize,
    /// Whether loading and saving fail.
    pub fails: AtomicBool,
    /// What a program of other shapes would add to fingerprints.
    pub shape: AtomicU64,
    /// How many times saving has begun.
    pub begun: watch::Sender<usize>,
    /// Saving takes a permit.
    pub gate: Semaphore,
}

impl Watched {
    /// A log of each kind.
    pub async fn each() -> [Self; 3] {
        [Self::memory(), Self::sqlite().await, Self::postgres().await]
    }

    pub fn memory() -> Self {
        Self::new(Arc::new(MemoryLog::new()), None)
    }

    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let log = SqliteLog::builder(path).synchronous(Synchronous::Normal).open().await.unwrap();
        Self::new(Arc::new(log), Some(Arc::new(folder)))
    }

    async fn postgres() -> Self {
        let database = Postgres::shared().database();
        let log = PostgresLog::builder(database.url()).readers(2).open().await.unwrap();
        Self { _database: Some(Arc::new(database)), ..Self::new(Arc::new(log), None) }
    }

    fn new(inner: Arc<dyn EventLog>, folder: Option<Arc<TempDir>>) -> Self {
        let snapshots = WatchedSnapshots {
            inner: inner.snapshots().unwrap(),
            saved: watch::Sender::default(),
            saves: AtomicUsize::new(0),
            fails: AtomicBool::new(false),
            shape: AtomicU64::new(0),
            begun: watch::Sender::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        };
        let (read, commits_fail) = Default::default();
        Self { inner, read, commits_fail, snapshots: Arc::new(snapshots), folder, _database: None }
    }

    /// How many events were read since this was last asked.
    pub fn read_since(&self) -> usize {
        self.read.swap(0, Ordering::SeqCst)
    }

    /// Waits until the snapshot of this tag is at this position.
    pub async fn saved(&self, tag: &Tag, position: Position) {
        let mut saved = self.snapshots.saved.subscribe();
        let reached = saved.wait_for(|saved| saved.get(tag) == Some(&position));
        let reached = tokio::time::timeout(PATIENCE, reached).await.map(|reached| reached.is_ok());
        assert!(matches!(reached, Ok(true)), "no snapshot of {tag} at {position}");
    }

    /// The last position saved of each tag.
    pub fn positions(&self) -> BTreeMap<Tag, Position> {
        self.snapshots.saved.borrow().clone()
    }
}

impl EventLog for Watched {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let page = self.inner.read(query, after, limit).await?;
            self.read.fetch_add(page.events.len(), Ordering::SeqCst);
            Ok(page)
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        self.inner.head()
    }

    fn last(&self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        self.inner.last()
    }

    fn holds<'a>(&'a self, bookmarks: &'a [Bookmark]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        self.inner.holds(bookmarks)
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
        Box::pin(async {
            let inner = self.inner.begin().await?;
            let (read, commits_fail) = (Arc::clone(&self.read), Arc::clone(&self.commits_fail));
            Ok(Box::new(WatchedTransaction { inner, read, commits_fail }) as Box<dyn LogTransaction>)
        })
    }

    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        self.inner.views()
    }

    fn snapshots(&self) -> Option<Arc<dyn SnapshotStore>> {
        Some(Arc::clone(&self.snapshots) as Arc<dyn SnapshotStore>)
    }

    fn database(&self) -> Option<DatabaseInfo> {
        self.inner.database()
    }
}

struct WatchedTransaction {
    inner: Box<dyn LogTransaction>,
    read: Arc<AtomicUsize>,
    commits_fail: Arc<AtomicBool>,
}

impl LogTransaction for WatchedTransaction {
    fn head(&self) -> Position {
        self.inner.head()
    }

    fn last(&mut self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        self.inner.last()
    }

    fn holds<'a>(&'a mut self, bookmarks: &'a [Bookmark]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        self.inner.holds(bookmarks)
    }

    fn read<'a>(
        &'a mut self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let page = self.inner.read(query, after, limit).await?;
            self.read.fetch_add(page.events.len(), Ordering::SeqCst);
            Ok(page)
        })
    }

    fn commands<'a>(
        &'a mut self,
        ids: &'a [CommandId],
    ) -> BoxFuture<'a, Result<Vec<Option<CommandRecord>>, StoreError>> {
        self.inner.commands(ids)
    }

    fn append<'a>(
        &'a mut self,
        events: &'a [RecordedEvent],
        commands: &'a [CommandRecord],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.append(events, commands)
    }

    fn views(&mut self) -> Option<&mut dyn ViewTransaction> {
        self.inner.views()
    }

    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        self.inner.database()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        if self.commits_fail.load(Ordering::SeqCst) {
            let (store, reason) = ("the watched log".to_owned(), "the test says so".to_owned());
            return Box::pin(std::future::ready(Err(StoreError::Unavailable { store, reason })));
        }
        self.inner.commit()
    }
}

impl WatchedSnapshots {
    fn failure(&self) -> Result<(), StoreError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Failed { store: self.describe(), reason: "the test says so".into() });
        }
        Ok(())
    }

    /// The key as a program of the other shape has it. Twice is the key itself.
    fn reshaped(&self, key: &SnapshotKey) -> SnapshotKey {
        SnapshotKey { fingerprint: key.fingerprint ^ self.shape.load(Ordering::SeqCst), ..key.clone() }
    }
}

impl SnapshotStore for WatchedSnapshots {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn load<'a>(&'a self, keys: &'a [SnapshotKey]) -> BoxFuture<'a, Result<Vec<Option<Snapshot>>, StoreError>> {
        Box::pin(async move {
            self.failure()?;
            let inner: Vec<_> = keys.iter().map(|key| self.reshaped(key)).collect();
            let found = self.inner.load(&inner).await?;
            let back = |snapshot: Snapshot| Snapshot { key: self.reshaped(&snapshot.key), ..snapshot };
            Ok(found.into_iter().map(|found| found.map(back)).collect())
        })
    }

    fn save<'a>(&'a self, snapshots: &'a [Snapshot]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.begun.send_modify(|begun| *begun += 1);
            self.gate.acquire().await.unwrap().forget();
            self.failure()?;
            let inner: Vec<_> = snapshots
                .iter()
                .map(|snapshot| Snapshot { key: self.reshaped(&snapshot.key), ..snapshot.clone() })
                .collect();
            self.inner.save(&inner).await?;
            self.saves.fetch_add(1, Ordering::SeqCst);
            self.saved.send_modify(|saved| {
                saved.extend(snapshots.iter().map(|snapshot| (snapshot.key.tag.clone(), snapshot.position)));
            });
            Ok(())
        })
    }
}

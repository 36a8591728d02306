//! The log on a file.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_runtime::log::{
    Bookmark, BoxFuture, CommandRecord, DatabaseInfo, EventLog, EventQuery, LogTransaction, NameRegister, Page,
    Position, StoreError,
};
use cqrs_runtime::snapshot::SnapshotStore;
use cqrs_runtime::view::ViewStore;
use cqrs_runtime::{CommandId, Timestamp};
use rusqlite::Connection;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::{OpenError, is_busy, store_error};
use crate::guard::Guard;
use crate::names::SqliteNames;
use crate::options::{FileOptions, SqliteLogBuilder, open_writer};
use crate::place::{FileId, Place};
use crate::pool::Pool;
use crate::presence::Presence;
use crate::snapshots::SqliteSnapshots;
use crate::transaction::{Locked, Sqlite, Transaction};
use crate::views::SqliteViews;
use crate::{commands, events};

/// How long to wait before the lock is tried again that another process holds.
const FIRST_WAIT: Duration = Duration::from_micros(500);
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// For how long after another process has written this one lets others go first.
const POLITE: Duration = Duration::from_secs(1);

/// An event log in one `SQLite` file, with views and snapshots beside it. Clones share it.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("shop.db");
/// use cqrs_runtime::EventLog;
/// use cqrs_sqlite::SqliteLog;
///
/// let log = SqliteLog::open(&path).await?;
/// assert_eq!(log.head().await?, 0);
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone)]
pub struct SqliteLog {
    shared: Arc<Shared>,
    views: Arc<SqliteViews>,
    snapshots: Arc<SqliteSnapshots>,
}

/// What the log and its views have in common.
pub(crate) struct Shared {
    pub(crate) store: Arc<str>,
    pub(crate) readers: Pool,
    pub(crate) place: Arc<Place>,
    /// The one connection that writes. The mutex is fair: who came first goes first.
    writer: Arc<Mutex<Writer>>,
    options: FileOptions,
    /// Tells other processes that this one lives.
    pub(crate) presence: Presence,
}

/// The connection that writes, and who is at work on it.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// The file that the connection has open.
    file: Option<FileId>,
    pub(crate) guard: Guard,
    /// The last event after this process's last commit.
    pub(crate) last: Bookmark,
    /// When this process last gave the lock back.
    pub(crate) released: Option<Instant>,
    /// When another process was last seen to have written.
    others: Option<Instant>,
    /// Whether a handler has had it since its temporary tables were last looked at.
    pub(crate) lent: bool,
}

impl SqliteLog {
    /// Opens a file as a log, and makes it if it is not there. [`builder`](Self::builder) has options.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder(path).open().await
    }

    /// Opens a file as a log, with options.
    pub fn builder(path: impl AsRef<Path>) -> SqliteLogBuilder {
        SqliteLogBuilder::new(path.as_ref())
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let views = Arc::new(SqliteViews::new(Arc::clone(&shared)));
        Self { views, snapshots: Arc::new(SqliteSnapshots::new(Arc::clone(&shared))), shared }
    }
}

impl Shared {
    pub(crate) fn new(connection: Connection, guard: Guard, options: FileOptions) -> Self {
        let store: Arc<str> = format!("SQLite file {}", options.path.display()).into();
        let place = Arc::new(Place::new(Arc::clone(&store), options.path.clone()));
        let file = place.file().ok();
        let writer =
            Writer { connection, file, guard, last: Bookmark::START, released: None, others: None, lent: false };
        let readers = Pool::new(Arc::clone(&store), Arc::clone(&place), options.readers, options.busy_timeout);
        let writer = Arc::new(Mutex::new(writer));
        let presence = Presence::next_to(&options.path);
        Self { store, readers, place, writer, options, presence }
    }

    /// Waits for this process's turn to write.
    pub(crate) async fn lock(&self) -> OwnedMutexGuard<Writer> {
        Arc::clone(&self.writer).lock_owned().await
    }

    /// Takes the lock: first among the tasks of this process, then among processes.
    pub(crate) async fn begin(&self) -> Result<Locked, StoreError> {
        let started = Instant::now();
        let unavailable = |who: &str| StoreError::Unavailable {
            store: self.store.to_string(),
            reason: format!("{who} has held the lock for {:?}", self.options.busy_timeout),
        };
        let lock = tokio::time::timeout(self.options.busy_timeout, Arc::clone(&self.writer).lock_owned());
        let mut writer = lock.await.map_err(|_| unavailable("another transaction of this process"))?;
        if let Some(moment) = writer.moment_for_others() {
            tokio::time::sleep(moment).await;
        }
        let mut wait = FIRST_WAIT;
        loop {
            match writer.try_begin() {
                // Looked at under the lock: while this waited, the file may have been replaced.
                Ok(()) => match self.place.file() {
                    Ok(file) if writer.file == Some(file) => break,
                    other => {
                        writer.roll_back().map_err(|error| store_error(&self.store, &error))?;
                        self.reopen(&mut writer, other?).await?;
                        continue;
                    }
                },
                Err(error) if !is_busy(&error) => return Err(store_error(&self.store, &error)),
                Err(_) if started.elapsed() >= self.options.busy_timeout => return Err(unavailable("another process")),
                Err(_) => {}
            }
            tokio::time::sleep(jittered(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        // From here on a drop rolls back.
        let mut transaction = Transaction::new(writer);
        let last = transaction.learn_last().map_err(|error| store_error(&self.store, &error))?;
        Ok(Locked::new(Arc::clone(&self.store), transaction, last))
    }

    /// Opens the file that is now where the one was that the connection has open.
    async fn reopen(&self, writer: &mut Writer, file: FileId) -> Result<(), StoreError> {
        let unavailable = |reason: String| StoreError::Unavailable { store: self.store.to_string(), reason };
        let options = self.options.clone();
        let opened = tokio::task::spawn_blocking(move || open_writer(&options)).await;
        let opened = opened.map_err(|error| unavailable(error.to_string()))?;
        let (connection, guard) = opened.map_err(|error| unavailable(error.to_string()))?;
        tracing::warn!(store = %self.store, "another file was put in the place of the one that was open: it is used from here on");
        self.place.learn();
        (writer.connection, writer.guard, writer.file) = (connection, guard, Some(file));
        Ok(())
    }
}

impl Writer {
    fn try_begin(&mut self) -> rusqlite::Result<()> {
        // There is something if the last time failed, for want of memory perhaps.
        self.roll_back()?;
        let _own = self.guard.own();
        self.connection.busy_timeout(Duration::ZERO)?;
        if self.lent {
            self.drop_temporary()?;
            self.lent = false;
        }
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    /// Undoes what is not committed, if there is anything.
    pub(crate) fn roll_back(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        let _own = self.guard.own();
        self.connection.execute_batch("ROLLBACK")
    }

    /// Drops what handlers have left in the connection's own schema: the next one is to find it empty.
    fn drop_temporary(&self) -> rusqlite::Result<()> {
        let _meant = self.guard.committing();
        // Indexes and triggers go with their tables and views. A table of a virtual table goes with that one.
        let sql = "SELECT type, name FROM temp.sqlite_schema WHERE type IN ('table', 'view', 'trigger')
                   ORDER BY type, sql LIKE 'CREATE VIRTUAL%' DESC LIMIT 1";
        loop {
            let left =
                self.connection.query_row(sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
            match left {
                Ok((kind, name)) => {
                    let name = crate::sql::quoted(&name);
                    self.connection.execute_batch(&format!("DROP {kind} temp.{name}"))?;
                }
                Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Learns what the last event is, and whether others have appended.
    pub(crate) fn learn(&mut self, last: Bookmark) {
        if self.released.is_some() && last != self.last {
            self.others = Some(Instant::now());
        }
    }

    /// `SQLite`'s lock knows no queue: a process that takes it again at once shuts out those that wait for it. So where others
    /// write too, there is a moment between two transactions of this process in which one of them gets in.
    fn moment_for_others(&self) -> Option<Duration> {
        let recently = |moment: Option<Instant>, span| moment.is_some_and(|moment| moment.elapsed() < span);
        let crowded = recently(self.others, POLITE) && recently(self.released, LONGEST_WAIT);
        crowded.then(|| jittered(FIRST_WAIT * 4))
    }
}

/// Between half and all of `wait`, so that processes that wait for each other fall out of step.
pub(crate) fn jittered(wait: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let half = wait / 2;
    let random = RandomState::new().hash_one(0) % 1024;
    half + half.mul_f64(f64::from(u16::try_from(random).unwrap_or(0)) / 1024.0)
}

impl EventLog for SqliteLog {
    fn describe(&self) -> String {
        self.shared.store.to_string()
    }

    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        let query = query.clone();
        Box::pin(self.shared.readers.read(move |connection, store| {
            // The first statement takes the snapshot that the second one reads.
            let last = events::last(connection).map_err(|error| store_error(store, &error))?;
            events::read(connection, store, &query, after, limit, last)
        }))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        Box::pin(async { Ok(self.last().await?.position) })
    }

    fn last(&self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        Box::pin(
            self.shared
                .readers
                .read(|connection, store| events::last(connection).map_err(|error| store_error(store, &error))),
        )
    }

    fn holds<'a>(&'a self, bookmarks: &'a [Bookmark]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        let bookmarks = bookmarks.to_vec();
        Box::pin(self.shared.readers.read(move |connection, store| {
            events::holds(connection, &bookmarks).map_err(|error| store_error(store, &error))
        }))
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
        Box::pin(async {
            let locked = self.shared.begin().await?;
            Ok(Box::new(locked) as Box<dyn LogTransaction>)
        })
    }

    fn command_records<'a>(
        &'a self,
        after: Option<&'a CommandId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<CommandRecord>, StoreError>> {
        let after = after.cloned();
        Box::pin(self.shared.readers.read(move |connection, store| {
            commands::page(connection, after.as_ref(), limit).map_err(|error| store_error(store, &error))
        }))
    }

    fn count_command_records(&self, before: Option<Timestamp>) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.shared.readers.read(move |connection, store| {
            commands::count(connection, before).map_err(|error| store_error(store, &error))
        }))
    }

    fn forget_commands(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let (mut removed, mut after) = (0, None);
            loop {
                let mut locked = self.shared.begin().await?;
                let (some, last) = locked.run(|connection, store| {
                    commands::forget(connection, after.as_deref(), before).map_err(|error| store_error(store, &error))
                })?;
                if some > 0 {
                    locked.commit().await?;
                }
                removed += some;
                match last {
                    Some(last) => after = Some(last),
                    None => return Ok(removed),
                }
            }
        })
    }

    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        Some(Arc::clone(&self.views) as Arc<dyn ViewStore>)
    }

    fn snapshots(&self) -> Option<Arc<dyn SnapshotStore>> {
        Some(Arc::clone(&self.snapshots) as Arc<dyn SnapshotStore>)
    }

    fn names(&self) -> Option<Arc<dyn NameRegister>> {
        Some(Arc::new(SqliteNames::new(Arc::clone(&self.shared))))
    }

    fn database(&self) -> Option<DatabaseInfo> {
        Some(DatabaseInfo::of::<Sqlite>())
    }
}

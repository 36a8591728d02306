//! The log in a file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use cqrs_core::log::{
    Bookmark, BoxFuture, CommandRecord, DatabaseInfo, EventLog, EventQuery, LogTransaction, NameRegister, Page,
    Position, StoreError,
};
use cqrs_core::snapshot::SnapshotStore;
use cqrs_core::view::ViewStore;
use cqrs_core::{CommandId, Timestamp};

use crate::error::{OpenError, store_error};
use crate::names::SqliteNames;
use crate::options::{Synchronous, builder};
use crate::shared::Shared;
use crate::snapshots::SqliteSnapshots;
use crate::transaction::Sqlite;
use crate::views::SqliteViews;
use crate::{commands, events};

/// An event log in one `SQLite` file, with views and snapshots. Clones share it.
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

impl fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLog").field("store", &self.shared.store).finish_non_exhaustive()
    }
}

builder!(
    /// Options for [`SqliteLog::builder`].
    SqliteLogBuilder,
    SqliteLog,
    "[`Synchronous::Full`]",
    Synchronous::Full
);

impl SqliteLog {
    /// Opens a file as a log, and creates it if it is missing. For options:
    /// [`builder`](Self::builder).
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
            // The first statement starts the snapshot that the second one reads.
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

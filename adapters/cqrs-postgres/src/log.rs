//! The log in a schema.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use cqrs_core::log::{
    Bookmark, BoxFuture, CommandRecord, DatabaseInfo, EventLog, EventQuery, LogTransaction, NameRegister, Page,
    Position, StoreError,
};
use cqrs_core::snapshot::SnapshotStore;
use cqrs_core::view::ViewStore;
use cqrs_core::{CommandId, Timestamp};

use crate::error::OpenError;
use crate::names::PostgresNames;
use crate::notifications::{self, News};
use crate::options::builder;
use crate::query::statements;
use crate::shared::Shared;
use crate::snapshots::PostgresSnapshots;
use crate::text::clamped;
use crate::transaction::Postgres;
use crate::views::PostgresViews;
use crate::{commands, events};

/// How long to wait for a notification before checking the head anyway.
const ASK_ANYWAY: Duration = Duration::from_secs(1);

/// An event log in one schema of a PostgreSQL database, with views and snapshots. Clones share it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use cqrs_postgres::PostgresLog;
/// use cqrs_runtime::EventLog;
///
/// let log = PostgresLog::open("postgres://shop:secret@db.example.org/shop").await?;
/// println!("{} events", log.head().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresLog {
    shared: Arc<Shared>,
    views: Arc<PostgresViews>,
    snapshots: Arc<PostgresSnapshots>,
    /// Wakes the projections and policies of this process, once there are any.
    notifications: Arc<std::sync::Mutex<Option<News>>>,
}

impl fmt::Debug for PostgresLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLog").field("store", &self.shared.place.store).finish_non_exhaustive()
    }
}

builder!(
    /// Options for [`PostgresLog::builder`].
    PostgresLogBuilder,
    PostgresLog
);

impl PostgresLogBuilder {
    /// Whether each append notifies those that [listen](PostgresLog::news). Default: true.
    ///
    /// PostgreSQL runs commits that notify one after the other, in the whole server. Turn it off
    /// where many busy logs share one server and no process listens.
    pub fn notify(mut self, notify: bool) -> Self {
        self.0.notify = notify;
        self
    }

    /// Opens views with these options, as [`PostgresViews::builder`] does.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_views(self) -> Result<PostgresViews, OpenError> {
        Ok(PostgresViews::new(Shared::open(self.0).await?))
    }
}

impl PostgresLog {
    /// Opens the schema `public` of a database as a log, and creates missing tables. For options:
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::builder(url).open().await
    }

    /// Opens a database as a log, with options.
    ///
    /// The URL is `postgres://user:password@host:port/database?option=value`, or `key=value` pairs,
    /// in the syntax of [`tokio_postgres::Config`].
    pub fn builder(url: &str) -> PostgresLogBuilder {
        PostgresLogBuilder::new(url)
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let views = Arc::new(PostgresViews::new(Arc::clone(&shared)));
        let snapshots = Arc::new(PostgresSnapshots::new(Arc::clone(&shared)));
        Self { views, snapshots, notifications: Arc::default(), shared }
    }

    /// The same as [`news`](Self::news), on one connection for all callers.
    fn notifications(&self) -> News {
        self.notifications.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| self.news()).clone()
    }

    /// Notifies when the log has, or may have, grown, in any process.
    ///
    /// It uses a connection of its own. Writers that have turned
    /// [`notify`](PostgresLogBuilder::notify) off do not notify.
    #[must_use]
    pub fn news(&self) -> News {
        notifications::listen(self.shared.place.clone(), self.shared.channel.clone())
    }
}

#[cfg(test)]
impl PostgresLog {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl EventLog for PostgresLog {
    fn describe(&self) -> String {
        self.shared.place.store.to_string()
    }

    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let shared = &self.shared;
            // The head is read before the events, so no event up to it is missing. Events after it
            // are left to the next page.
            let mut sent = vec![events::last(&shared.schema, after)];
            sent.extend(statements(&shared.schema, query, after, clamped(limit as u64).saturating_add(1)));
            let mut answers = shared.readers.read(sent).await?.into_iter();
            let store = &shared.place.store;
            let ends = events::ends(store, &answers.next().unwrap_or_default())?;
            events::page(store, answers.flatten(), after, limit, ends)
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        Box::pin(async { Ok(self.last().await?.position) })
    }

    fn last(&self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        Box::pin(async {
            let answers = self.shared.readers.read(vec![events::last(&self.shared.schema, Position::START)]).await?;
            Ok(events::ends(&self.shared.place.store, answers.first().map_or(&[], Vec::as_slice))?.0)
        })
    }

    fn holds<'a>(&'a self, bookmarks: &'a [Bookmark]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        Box::pin(async move {
            let answers = self.shared.readers.read(vec![events::ids(&self.shared.schema, bookmarks)]).await?;
            let rows = answers.first().map_or(&[][..], Vec::as_slice);
            events::holds(&self.shared.place.store, bookmarks, rows)
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.shared.readers.probe(&self.shared.schema_name))
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
        Box::pin(async {
            let locked = self.shared.begin().await?;
            Ok(Box::new(locked) as Box<dyn LogTransaction>)
        })
    }

    fn changed(&self, after: Position) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut news = self.notifications();
            loop {
                // Checks the head regularly, in case a notification is lost.
                let _ = tokio::time::timeout(ASK_ANYWAY, news.next()).await;
                if self.head().await.is_ok_and(|head| head != after) {
                    return;
                }
            }
        })
    }

    fn command_records<'a>(
        &'a self,
        after: Option<&'a CommandId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<CommandRecord>, StoreError>> {
        Box::pin(async move {
            let sql = commands::page(&self.shared.schema, after, limit);
            let answers = self.shared.readers.read(vec![sql]).await?;
            commands::listed(&self.shared.place.store, answers.first().map_or(&[], Vec::as_slice))
        })
    }

    fn count_command_records(&self, before: Option<Timestamp>) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let answers = self.shared.readers.read(vec![commands::count(&self.shared.schema, before)]).await?;
            commands::number(&self.shared.place.store, answers.first().map_or(&[], Vec::as_slice))
        })
    }

    fn forget_commands(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let (store, schema) = (&self.shared.place.store, &self.shared.schema);
            let (mut removed, mut after) = (0, None);
            loop {
                let mut locked = self.shared.begin().await?;
                let rows = locked.ask(vec![commands::forget(schema, after.as_deref(), before)]).await?;
                let some = commands::number(store, &rows)?;
                let last = rows.first().map(|row| events::column::<Option<String>>(store, row, 1)).transpose()?;
                if some > 0 {
                    locked.commit().await?;
                }
                removed += some;
                match last.flatten() {
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
        Some(Arc::new(PostgresNames::new(Arc::clone(&self.shared))))
    }

    fn database(&self) -> Option<DatabaseInfo> {
        Some(DatabaseInfo::of::<Postgres>())
    }
}

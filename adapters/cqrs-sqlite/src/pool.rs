//! A pool of read connections.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cqrs_core::log::StoreError;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connect::open_reader;
use crate::error::store_error;
use crate::place::{FileId, Place};

/// A limited number of read-only connections, opened on demand.
pub(crate) struct Pool {
    store: Arc<str>,
    place: Arc<Place>,
    timeout: Duration,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Open>>>,
}

/// A connection, and the file that it has open.
type Open = (FileId, Connection);

impl Pool {
    pub(crate) fn new(store: Arc<str>, place: Arc<Place>, size: usize, timeout: Duration) -> Self {
        Self { store, place, timeout, permits: Arc::new(Semaphore::new(size)), idle: Arc::default() }
    }

    /// Takes a connection. Waits for one if all are in use.
    pub(crate) async fn take(&self) -> Result<SqliteReader, StoreError> {
        let unavailable =
            |reason: &str| StoreError::Unavailable { store: self.store.to_string(), reason: reason.into() };
        let permit = tokio::time::timeout(self.timeout, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit
            .map_err(|_| unavailable("timed out waiting for a read connection; raise `readers` or `lock_timeout`"))?
            .map_err(|_| unavailable("the log is closed"))?;
        let file = self.place.file()?;
        let connection = if let Some(connection) = self.idle_on(file) {
            connection
        } else {
            let path = self.place.path().to_owned();
            tokio::task::spawn_blocking(move || open_reader(&path))
                .await
                .map_err(|_| unavailable("the runtime is shutting down"))?
                .map_err(|error| store_error(&self.store, &error))?
        };
        Ok(SqliteReader { open: Some((file, connection)), idle: Arc::clone(&self.idle), _permit: permit })
    }

    /// Takes an idle connection to this file, and drops those to other files.
    fn idle_on(&self, file: FileId) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((open, connection)) = idle.pop() {
            if open == file {
                return Some(connection);
            }
        }
        None
    }

    /// Reads on a blocking thread, inside one read transaction.
    pub(crate) async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &str) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let reader = self.take().await?;
        let store = Arc::clone(&self.store);
        self.blocking(move || {
            let transaction = reader.unchecked_transaction().map_err(|error| store_error(&store, &error))?;
            let result = read(&transaction, &store);
            // The transaction only read: a failed rollback loses nothing.
            let _ = transaction.rollback();
            result
        })
        .await
    }

    async fn blocking<R: Send + 'static>(
        &self,
        run: impl FnOnce() -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        tokio::task::spawn_blocking(run).await.unwrap_or_else(|error| {
            let (store, reason) = (self.store.to_string(), error.to_string());
            Err(if error.is_panic() {
                StoreError::Failed { store, reason }
            } else {
                StoreError::Unavailable { store, reason }
            })
        })
    }
}

/// One state of the file: that of the first read.
#[derive(Default)]
pub(crate) struct Snapshot {
    /// A connection in a transaction, from the first read on.
    open: Arc<tokio::sync::Mutex<Option<SqliteReader>>>,
}

impl Snapshot {
    /// Reads on a blocking thread. A read that is cancelled keeps the connection.
    pub(crate) async fn read<R: Send + 'static>(
        &self,
        pool: &Pool,
        read: impl FnOnce(&Connection, &str) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let mut open = Arc::clone(&self.open).lock_owned().await;
        let reader = if open.is_none() { Some(pool.take().await?) } else { None };
        let store = Arc::clone(&pool.store);
        pool.blocking(move || {
            if let Some(reader) = reader {
                reader.execute_batch("BEGIN").map_err(|error| store_error(&store, &error))?;
                *open = Some(reader);
            }
            match &*open {
                Some(reader) if !reader.is_autocommit() => read(reader, &store),
                // The file system failed, and the database ended the transaction.
                _ => Err(StoreError::Unavailable {
                    store: store.to_string(),
                    reason: "the transaction of this query's reads has ended early; ask again".into(),
                }),
            }
        })
        .await
    }
}

/// A borrowed connection that cannot write: the type behind `Reader<Sqlite>`. It derefs to
/// [`rusqlite::Connection`].
///
/// The file is opened read-only, and `PRAGMA query_only` is set, so the database refuses any
/// change. Each statement sees the last commit before its start. For several statements on one
/// state, use [`unchecked_transaction`](Connection::unchecked_transaction).
///
/// Statements run on the thread that calls them. With an index they are short. Run long ones on a
/// thread of their own.
pub struct SqliteReader {
    /// `Some` until it is dropped.
    open: Option<Open>,
    idle: Arc<Mutex<Vec<Open>>>,
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for SqliteReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteReader").finish_non_exhaustive()
    }
}

impl Deref for SqliteReader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        let Some((_, connection)) = &self.open else { unreachable!("only `drop` takes it") };
        connection
    }
}

impl Drop for SqliteReader {
    fn drop(&mut self) {
        let Some((file, connection)) = self.open.take() else { return };
        // Ends an open transaction: the next borrower would see its old state.
        let clean = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
        if clean {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((file, connection));
        }
    }
}

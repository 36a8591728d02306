//! Connections that read.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cqrs_runtime::log::StoreError;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connect::open_reader;
use crate::error::store_error;
use crate::place::{FileId, Place};

/// A bounded number of read-only connections, opened as they are needed.
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

    /// Takes a connection, waiting for one if all are in use.
    pub(crate) async fn take(&self) -> Result<SqliteReader, StoreError> {
        let unavailable =
            |reason: &str| StoreError::Unavailable { store: self.store.to_string(), reason: reason.into() };
        let permit = tokio::time::timeout(self.timeout, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit
            .map_err(|_| unavailable("every reading connection was in use for as long as one may wait"))?
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

    /// A connection that nobody uses. Those that have another file open are of no use any more.
    fn idle_on(&self, file: FileId) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((open, connection)) = idle.pop() {
            if open == file {
                return Some(connection);
            }
        }
        None
    }

    /// Reads on a thread that may block, inside one read transaction.
    pub(crate) async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &str) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let reader = self.take().await?;
        let store = Arc::clone(&self.store);
        let read = tokio::task::spawn_blocking(move || {
            let transaction = reader.unchecked_transaction().map_err(|error| store_error(&store, &error))?;
            let result = read(&transaction, &store);
            // It has only read: there is nothing to keep, and no error to learn.
            let _ = transaction.rollback();
            result
        });
        read.await.unwrap_or_else(|error| {
            let (store, reason) = (self.store.to_string(), error.to_string());
            Err(if error.is_panic() {
                StoreError::Failed { store, reason }
            } else {
                StoreError::Unavailable { store, reason }
            })
        })
    }
}

/// A connection that cannot write, on loan: what `Reader<Sqlite>` is. It derefs to [`rusqlite::Connection`].
///
/// The file was opened read-only, and `PRAGMA query_only` is set beside: the database itself refuses whatever would change
/// it. Each statement sees the last commit made before it started; for several statements on one state, take
/// [`unchecked_transaction`](Connection::unchecked_transaction).
///
/// Statements run on the thread that calls them. They are short where an index answers them; a long one belongs onto
/// a thread of its own.
pub struct SqliteReader {
    /// There until it is dropped.
    open: Option<Open>,
    idle: Arc<Mutex<Vec<Open>>>,
    _permit: OwnedSemaphorePermit,
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
        // The next borrower gets it as it was: a transaction left open would show him an old state.
        let clean = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
        if clean {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((file, connection));
        }
    }
}

//! A transaction on a file.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use cqrs_core::event::RecordedEvent;
use cqrs_core::log::{Bookmark, BoxFuture, CommandRecord, EventQuery, LogTransaction, Page, Position, StoreError};
use cqrs_core::view::ViewTransaction;
use cqrs_core::{CommandId, Database, Tx};
use rusqlite::Connection;
use tokio::sync::OwnedMutexGuard;

use crate::error::{commit_error, damaged, store_error};
use crate::guard::Own;
use crate::pool::SqliteReader;
use crate::writer::Writer;
use crate::{commands, events};

/// The database for `Tx<Sqlite>` and `Reader<Sqlite>`.
#[derive(Clone, Copy, Debug)]
pub enum Sqlite {}

impl Database for Sqlite {
    type Transaction = Transaction;
    type Reader = SqliteReader;
}

/// A transaction on the file: the type behind `Tx<Sqlite>`. It derefs to [`rusqlite::Connection`].
///
/// A handler's writes are committed with its events, or not at all. The connection refuses
/// statements that would break that: `BEGIN`, `COMMIT`, `ROLLBACK`, `ATTACH`, `ALTER TABLE`,
/// changes to tables named `cqrs_..`, and pragmas that set something. It allows to read those
/// tables, and to use savepoints, virtual tables (FTS5, R*Tree), triggers and `ANALYZE`. Temporary
/// tables are dropped after the transaction.
///
/// A statement that ends the transaction when it fails (`INSERT OR ROLLBACK`) undoes the whole
/// command, and all other commands of the batch. Nothing more is written, and the caller gets the
/// error.
pub struct Transaction {
    writer: OwnedMutexGuard<Writer>,
    /// Whether this crate has prepared statements since a handler last used the connection.
    mixed: bool,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}

impl Transaction {
    /// Wraps a connection on which `BEGIN IMMEDIATE` has just succeeded.
    pub(crate) fn new(writer: OwnedMutexGuard<Writer>) -> Self {
        Self { writer, mixed: true }
    }

    /// Reads the last event, which shows whether other processes have appended.
    pub(crate) fn learn_last(&mut self) -> rusqlite::Result<Bookmark> {
        let last = events::last(&self.own())?;
        self.writer.learn(last);
        Ok(last)
    }

    /// The connection, for this crate's own statements.
    fn own(&mut self) -> Owned<'_> {
        self.mixed = true;
        Owned { connection: &self.writer.connection, _own: self.writer.guard.own() }
    }

    /// Gives the connection to a handler. The cache must not hold this crate's statements, which
    /// are allowed more than a handler's.
    fn leave_to_handler(&mut self) {
        self.writer.lent = true;
        if std::mem::take(&mut self.mixed) {
            self.writer.connection.flush_prepared_statement_cache();
        }
    }

    fn commit(mut self, last: Bookmark) -> rusqlite::Result<()> {
        {
            let _own = self.writer.guard.own();
            let _meant = self.writer.guard.committing();
            self.writer.connection.prepare_cached("COMMIT")?.execute([])?;
        }
        self.writer.last = last;
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.writer.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let writer = &mut *self.writer;
        if let Err(error) = writer.roll_back() {
            // The next `begin` retries, and fails if that fails.
            tracing::error!(%error, "cannot roll back a transaction; the next one retries");
        }
        writer.released = Some(Instant::now());
    }
}

/// The connection while this crate is using it.
pub(crate) struct Owned<'a> {
    connection: &'a Connection,
    _own: Own<'a>,
}

impl Deref for Owned<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// The log, or the views alone, under the lock.
pub(crate) struct Locked {
    store: Arc<str>,
    transaction: Tx<Sqlite>,
    /// The last committed event.
    committed: Bookmark,
    /// The last appended one.
    last: Bookmark,
    /// The number of open savepoints.
    pub(crate) savepoints: u32,
}

impl Locked {
    pub(crate) fn new(store: Arc<str>, transaction: Transaction, last: Bookmark) -> Self {
        Self { store, transaction: Tx::new(transaction), committed: last, last, savepoints: 0 }
    }

    /// Runs this crate's own statements.
    pub(crate) fn run<R>(
        &mut self,
        run: impl FnOnce(&Connection, &str) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        if self.transaction.is_autocommit() {
            return Err(damaged(
                &self.store,
                "the transaction has ended early: the file system failed, or a handler used `OR ROLLBACK`; nothing \
                 was committed",
            ));
        }
        run(&self.transaction.own(), &self.store)
    }

    pub(crate) fn handlers(&mut self) -> &mut (dyn Any + Send) {
        self.transaction.leave_to_handler();
        &mut self.transaction
    }

    /// Commits on a blocking thread, because it waits for the disk.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.run(|_, _| Ok(()))?;
        let Self { store, transaction, last, .. } = self;
        let transaction = transaction.into_inner();
        let committing = tokio::task::spawn_blocking(move || transaction.commit(last));
        match committing.await {
            Ok(committed) => committed.map_err(|error| commit_error(&store, &error)),
            // The commit did not start, so it is rolled back.
            Err(error) if error.is_cancelled() => {
                Err(StoreError::Unavailable { store: store.to_string(), reason: "the runtime is shutting down".into() })
            }
            Err(error) => Err(StoreError::Unknown { store: store.to_string(), reason: error.to_string() }),
        }
    }
}

impl LogTransaction for Locked {
    fn head(&self) -> Position {
        self.committed.position
    }

    fn last(&mut self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        Box::pin(std::future::ready(Ok(self.committed)))
    }

    fn holds<'a>(&'a mut self, bookmarks: &'a [Bookmark]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        Box::pin(async move {
            self.run(|connection, store| {
                events::holds(connection, bookmarks).map_err(|error| store_error(store, &error))
            })
        })
    }

    fn read<'a>(
        &'a mut self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let last = self.last;
            self.run(|connection, store| events::read(connection, store, query, after, limit, last))
        })
    }

    fn commands<'a>(
        &'a mut self,
        ids: &'a [CommandId],
    ) -> BoxFuture<'a, Result<Vec<Option<CommandRecord>>, StoreError>> {
        Box::pin(async move {
            self.run(|connection, store| commands::find(connection, ids).map_err(|error| store_error(store, &error)))
        })
    }

    fn append<'a>(
        &'a mut self,
        events: &'a [RecordedEvent],
        records: &'a [CommandRecord],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let last = self.last;
            self.run(|connection, store| {
                events::append(connection, store, last.position, events)?;
                commands::remember(connection, records).map_err(|error| store_error(store, &error))
            })?;
            self.last = events.last().map_or(last, Bookmark::from);
            Ok(())
        })
    }

    fn views(&mut self) -> Option<&mut dyn ViewTransaction> {
        Some(self)
    }

    fn database(&mut self) -> Option<&mut (dyn Any + Send)> {
        Some(self.handlers())
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin((*self).commit())
    }
}

//! A pool of read connections.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cqrs_core::log::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::connect::{CLEAN, Place, Purpose, at_most};
use crate::connection::Connection;
use crate::error::{is_lost, store_error, unavailable};
use crate::handle::Handle;
use crate::sql::Sql;

/// A limited number of read-only connections, opened on demand.
pub(crate) struct Pool {
    place: Place,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Arc<Connection>>>>,
}

/// A borrowed connection.
struct Loan {
    connection: Arc<Connection>,
    idle: Arc<Mutex<Vec<Arc<Connection>>>>,
    _permit: OwnedSemaphorePermit,
    /// Whether it comes from the pool: then it may have been lost while it was idle.
    used: bool,
}

impl Loan {
    /// Ends its transaction, and gives it back.
    fn end(self) {
        drop(self.connection.send_text("ROLLBACK".into()));
        self.give_back();
    }

    fn give_back(self) {
        if !self.connection.client.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
        }
    }
}

impl Pool {
    pub(crate) fn new(place: Place, size: usize) -> Self {
        Self { place, permits: Arc::new(Semaphore::new(size)), idle: Arc::default() }
    }

    /// Takes a connection. Waits for one if all are in use.
    async fn take(&self) -> Result<Loan, StoreError> {
        let store = &self.place.store;
        let permit = tokio::time::timeout(self.place.lock_timeout, Arc::clone(&self.permits).acquire_owned()).await;
        let timed_out = "timed out waiting for a read connection; raise `readers` or `lock_timeout`";
        let permit =
            permit.map_err(|_| unavailable(store, timed_out))?.map_err(|_| unavailable(store, "the log is closed"))?;
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|connection| !connection.client.is_closed());
            idle.pop()
        };
        let used = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => self.place.connect(Purpose::Read).await?,
        };
        Ok(Loan { connection, idle: Arc::clone(&self.idle), _permit: permit, used })
    }

    /// Sends these statements together, and waits for the rows of each. Each sees the commits
    /// before it.
    pub(crate) async fn read(&self, statements: Vec<Sql>) -> Result<Vec<Vec<Row>>, StoreError> {
        let statements: Vec<Arc<Sql>> = statements.into_iter().map(Arc::new).collect();
        loop {
            let loan = self.take().await?;
            match read(&loan.connection, &statements).await {
                Ok(rows) => {
                    loan.give_back();
                    return Ok(rows);
                }
                // Each iteration drops one idle connection, so this ends.
                Err(error) if loan.used && is_lost(&error) => {}
                Err(error) => {
                    loan.connection.forget_statements();
                    let error = store_error(&self.place.store, &error);
                    loan.give_back();
                    return Err(error);
                }
            }
        }
    }

    /// Checks that the tables of a schema can be read. Otherwise a table that another session has
    /// locked would block readers until that session ends.
    pub(crate) async fn probe(&self, schema: &str) -> Result<(), StoreError> {
        let loan = self.take().await?;
        let probed = probe(&loan.connection, schema).await;
        loan.give_back();
        match probed {
            Ok(None) => Ok(()),
            Ok(Some(locked)) => Err(unavailable(&self.place.store, locked)),
            Err(error) => Err(store_error(&self.place.store, &error)),
        }
    }

    /// A connection for a query handler, inside a read-only transaction.
    pub(crate) async fn reader(&self) -> Result<PostgresReader, StoreError> {
        loop {
            let loan = self.take().await?;
            // After its first query, a transaction cannot be made writable.
            let begun =
                loan.connection.send_text("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SELECT 1".into()).await;
            let used = loan.used;
            let setup = format!("ROLLBACK; {CLEAN}{}", self.place.setup(Purpose::Read));
            let under_way = Arc::new(AtomicUsize::new(0));
            let handle = Handle::new(Arc::clone(&loan.connection), Arc::clone(&under_way));
            let reader = PostgresReader { handle, loan: Some(loan), setup, under_way };
            match begun {
                Ok(()) => return Ok(reader),
                Err(error) if used && is_lost(&error) => {}
                Err(error) => return Err(store_error(&self.place.store, &error)),
            }
        }
    }
}

/// Begins a snapshot. A query that hangs between two reads would otherwise keep a rebuild from replacing the
/// tables that it has read.
const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// One state of the database: that of the first read.
#[derive(Default)]
pub(crate) struct Snapshot {
    /// A connection in a transaction, from the first read on.
    open: tokio::sync::Mutex<Option<Loan>>,
    /// Whether a statement is on its way.
    under_way: AtomicBool,
}

impl Snapshot {
    /// Sends these statements together, and waits for the rows of each. `same` checks that a table is
    /// the one that the first read could see: it returns a row if so.
    pub(crate) async fn read(&self, pool: &Pool, sql: Sql, same: Sql) -> Result<Vec<Row>, StoreError> {
        let store = &pool.place.store;
        let mut open = self.open.lock().await;
        if let Some(loan) = &*open {
            let statements = [Arc::new(sql), Arc::new(same)];
            self.under_way.store(true, Ordering::Release);
            let rows = read(&loan.connection, &statements).await;
            self.under_way.store(false, Ordering::Release);
            let mut rows = rows.map_err(|error| store_error(store, &error))?;
            if rows.pop().is_none_or(|same| same.is_empty()) {
                return Err(unavailable(store, "a view was rebuilt while this query read; ask again"));
            }
            return Ok(rows.pop().unwrap_or_default());
        }
        let statements = [Arc::new(sql)];
        loop {
            let loan = pool.take().await?;
            // Sent together with the first statement.
            let begun = loan.connection.send_text(BEGIN_SNAPSHOT.into());
            match read(&loan.connection, &statements).await {
                Ok(mut rows) => {
                    begun.await.map_err(|error| store_error(store, &error))?;
                    *open = Some(loan);
                    return Ok(rows.pop().unwrap_or_default());
                }
                // Each iteration drops one idle connection, so this ends.
                Err(error) if loan.used && is_lost(&error) => {}
                Err(error) => {
                    loan.connection.forget_statements();
                    let error = store_error(store, &error);
                    loan.end();
                    return Err(error);
                }
            }
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // The next borrower must not wait for a statement of this one.
        if let Some(loan) = self.open.get_mut().take()
            && !*self.under_way.get_mut()
        {
            loan.end();
        }
    }
}

/// How long a probe waits for a table. It is shorter than the limit of a health check.
const PROBE: Duration = Duration::from_millis(400);

/// Describes the locks on the tables of a schema, if there are any.
async fn probe(connection: &Arc<Connection>, schema: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let tables = r"SELECT format('%I.%I', n.nspname, c.relname)
                   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = $1 AND c.relname LIKE 'cqrs\_%' AND c.relkind = 'r'
                     AND has_table_privilege(c.oid, 'SELECT')";
    let tables = connection.query(Sql::new(tables).with(schema.to_owned(), Type::TEXT)).await?;
    let tables: Vec<String> = tables.iter().filter_map(|row| row.try_get(0).ok()).collect();
    if tables.is_empty() {
        return Ok(None);
    }
    let patience = at_most("lock_timeout", PROBE, true);
    let lock = format!("BEGIN READ ONLY; {patience} LOCK TABLE {} IN ACCESS SHARE MODE; ROLLBACK", tables.join(", "));
    let locked = match connection.send_text(lock).await {
        Ok(()) => return Ok(None),
        Err(error) => error,
    };
    connection.send_text("ROLLBACK".into()).await?;
    if locked.code() != Some(&SqlState::LOCK_NOT_AVAILABLE) {
        // The table was just dropped, for example by a rebuild: the next probe will tell.
        return if locked.code() == Some(&SqlState::UNDEFINED_TABLE) { Ok(None) } else { Err(locked) };
    }
    let who = r"SELECT string_agg(format('`%s` (process %s)', c.relname, l.pid), ', ' ORDER BY c.relname)
                FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid() AND c.relname LIKE 'cqrs\_%'
                  AND n.nspname = $1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let who = connection.query(Sql::new(who).with(schema.to_owned(), Type::TEXT)).await?;
    let who: Option<String> = who.first().and_then(|row| row.try_get(0).ok());
    let who = who.unwrap_or_else(|| "one of them".into());
    Ok(Some(format!("another session has locked tables: {who}; wait for it, or end it with `pg_terminate_backend`")))
}

async fn read(connection: &Arc<Connection>, statements: &[Arc<Sql>]) -> Result<Vec<Vec<Row>>, tokio_postgres::Error> {
    let mut ready = Vec::with_capacity(statements.len());
    for sql in statements {
        ready.push(connection.prepare(sql).await?);
    }
    let sent: Vec<_> =
        ready.into_iter().zip(statements).map(|(ready, sql)| connection.send(ready, Arc::clone(sql))).collect();
    let mut rows = Vec::with_capacity(sent.len());
    for answer in sent {
        rows.push(answer.await?);
    }
    Ok(rows)
}

/// A borrowed connection that cannot write: the type behind `Reader<Postgres>`. It derefs to a
/// [`Handle`].
///
/// It is inside a read-only transaction, which a handler cannot make writable. Statements that
/// would end that transaction are refused before they are sent. Each statement sees the last commit
/// before its start.
///
/// As always in PostgreSQL, a read-only transaction may call functions that act outside of tables
/// (`pg_notify`, `pg_terminate_backend`, `lo_create` before version 16), if its role has the right.
/// Set a [`reader_url`](crate::PostgresLogBuilder::reader_url) with a role that has few rights.
pub struct PostgresReader {
    handle: Handle,
    /// `Some` until it is dropped.
    loan: Option<Loan>,
    setup: String,
    under_way: Arc<AtomicUsize>,
}

impl fmt::Debug for PostgresReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresReader").finish_non_exhaustive()
    }
}

impl std::ops::Deref for PostgresReader {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for PostgresReader {
    fn drop(&mut self) {
        let Some(loan) = self.loan.take() else { return };
        // The next borrower needs a clean session, and must not wait for a statement of this one.
        if self.under_way.load(Ordering::Acquire) == 0 {
            drop(loan.connection.send_text(std::mem::take(&mut self.setup)));
            loan.give_back();
        }
    }
}

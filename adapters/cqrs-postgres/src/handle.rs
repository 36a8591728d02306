//! How a handler runs its statements.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement, ToStatement};

use crate::connection::Connection;
use crate::guard::{self, Why};

/// Runs a handler's statements, as [`tokio_postgres::Client`] does, in the handler's transaction.
///
/// Statements that would end that transaction are refused before they are sent, also as part of
/// several statements: `BEGIN`, `COMMIT`, `ROLLBACK`, `PREPARE TRANSACTION`, `DISCARD`. So are
/// those that would change the session for later borrowers: `COPY`, `PREPARE` and `DEALLOCATE`.
/// Handlers may use savepoints, except those named `cqrs_..`. (A function whose body is written as
/// `BEGIN ATOMIC .. END` is refused too: create it in a migration.)
pub struct Handle {
    connection: Arc<Connection>,
    /// The number of statements without an answer.
    under_way: Arc<AtomicUsize>,
}

/// Why a handler's statement was not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// It would have ended its transaction.
    #[error(
        "`{0}` is refused: the framework ends this transaction, with the command's events or after the query; \
         return an error to undo everything, or use a savepoint to undo a part"
    )]
    Refused(String),
    /// It would change the session, which others use later: `COPY`, and statements prepared by
    /// name.
    #[error(
        "`{0}` is refused: it would change a connection that others use later; insert many rows with `INSERT .. \
         SELECT .. FROM unnest(..)`, and prepare statements with `prepare`"
    )]
    OfTheSession(String),
    /// The server returned an error, or cannot be reached.
    #[error("{}", crate::error::reason(.0))]
    Database(#[from] tokio_postgres::Error),
}

impl SqlError {
    /// The server's error code, if the server returned the error.
    #[must_use]
    pub fn code(&self) -> Option<&tokio_postgres::error::SqlState> {
        match self {
            Self::Refused(_) | Self::OfTheSession(_) => None,
            Self::Database(error) => error.code(),
        }
    }
}

/// A runnable statement: SQL, or a statement that this handle has prepared.
pub trait Runnable: ToStatement + Sync {
    /// The SQL, which is checked before it is sent.
    #[doc(hidden)]
    fn sql(&self) -> Option<&str>;
}

impl Runnable for str {
    fn sql(&self) -> Option<&str> {
        Some(self)
    }
}

impl Runnable for Statement {
    fn sql(&self) -> Option<&str> {
        None
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl Handle {
    pub(crate) fn new(connection: Arc<Connection>, under_way: Arc<AtomicUsize>) -> Self {
        Self { connection, under_way }
    }

    /// Runs one request, and counts it until its answer arrives.
    async fn run<T>(&self, request: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, SqlError> {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        let asking = self.connection.watch.request();
        let answer = request.await;
        drop(asking);
        // If the future is dropped, this is not reached, and the statement may still run.
        self.under_way.fetch_sub(1, Ordering::AcqRel);
        Ok(answer?)
    }

    /// Prepares a statement that will run several times.
    pub async fn prepare(&self, sql: &str) -> Result<Statement, SqlError> {
        look(sql)?;
        self.run(self.connection.client.prepare(sql)).await
    }

    /// The same as [`prepare`](Self::prepare), with the types of some parameters.
    pub async fn prepare_typed(&self, sql: &str, types: &[Type]) -> Result<Statement, SqlError> {
        look(sql)?;
        self.run(self.connection.client.prepare_typed(sql, types)).await
    }

    /// Runs a statement, and returns its rows.
    pub async fn query<T: ?Sized + Runnable>(
        &self,
        statement: &T,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, SqlError> {
        look(statement.sql().unwrap_or_default())?;
        self.run(self.connection.client.query(statement, parameters)).await
    }

    /// Runs a statement that returns exactly one row.
    pub async fn query_one<T: ?Sized + Runnable>(
        &self,
        statement: &T,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, SqlError> {
        look(statement.sql().unwrap_or_default())?;
        self.run(self.connection.client.query_one(statement, parameters)).await
    }

    /// Runs a statement that returns one row or none.
    pub async fn query_opt<T: ?Sized + Runnable>(
        &self,
        statement: &T,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, SqlError> {
        look(statement.sql().unwrap_or_default())?;
        self.run(self.connection.client.query_opt(statement, parameters)).await
    }

    /// Runs a statement with typed parameters, in one round trip.
    pub async fn query_typed(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, SqlError> {
        look(sql)?;
        self.run(self.connection.client.query_typed(sql, parameters)).await
    }

    /// Runs a statement, and returns the number of changed rows.
    pub async fn execute<T: ?Sized + Runnable>(
        &self,
        statement: &T,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, SqlError> {
        look(statement.sql().unwrap_or_default())?;
        self.run(self.connection.client.execute(statement, parameters)).await
    }

    /// Runs several statements without parameters.
    pub async fn batch_execute(&self, sql: &str) -> Result<(), SqlError> {
        look(sql)?;
        self.run(self.connection.client.batch_execute(sql)).await
    }
}

fn look(sql: &str) -> Result<(), SqlError> {
    match guard::refused(sql) {
        None => Ok(()),
        Some((statement, Why::Ends)) => Err(SqlError::Refused(statement)),
        Some((statement, Why::Stays)) => Err(SqlError::OfTheSession(statement)),
    }
}

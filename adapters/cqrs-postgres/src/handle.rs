//! What a handler runs its statements with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement, ToStatement};

use crate::connection::Connection;
use crate::guard::{self, Why};

/// Runs a handler's statements, as [`tokio_postgres::Client`] does, in the transaction that the handler was given.
///
/// What would end that transaction is refused before it is sent: `BEGIN`, `COMMIT`, `ROLLBACK`, `PREPARE TRANSACTION`, `DISCARD`, alone
/// or among other statements; and what would stay with the session: `COPY`, `PREPARE` and `DEALLOCATE`. Savepoints are the handler's to use, except those that are named `cqrs_..`. (A function whose
/// body is written as `BEGIN ATOMIC .. END` is taken for such a statement: make it in a migration.)
pub struct Handle {
    connection: Arc<Connection>,
    /// How many statements have not been answered.
    under_way: Arc<AtomicUsize>,
}

/// Why a handler's statement was not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// It would have ended the transaction that it was to run in.
    #[error(
        "`{0}` is refused: the transaction is committed with the command's events, or read-only for a query, and is not \
         the handler's to end; return an error to undo everything, or use a savepoint to undo a part"
    )]
    Refused(String),
    /// It would leave its mark on the session, which others use afterwards: `COPY`, and statements that are prepared by name.
    #[error(
        "`{0}` is refused: it would leave its mark on a connection that others use afterwards; write many rows with \
         `INSERT .. SELECT .. FROM unnest(..)`, and prepare a statement with `prepare`"
    )]
    OfTheSession(String),
    /// The server refused it, or cannot be reached.
    #[error("{}", crate::error::reason(.0))]
    Database(#[from] tokio_postgres::Error),
}

impl SqlError {
    /// The server's code of the error, if it is one of the server's.
    #[must_use]
    pub fn code(&self) -> Option<&tokio_postgres::error::SqlState> {
        match self {
            Self::Refused(_) | Self::OfTheSession(_) => None,
            Self::Database(error) => error.code(),
        }
    }
}

/// What can be run: SQL, or a statement that this handle has prepared.
pub trait Runnable: ToStatement + Sync {
    /// The SQL, which is looked at before it is sent.
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

impl Handle {
    pub(crate) fn new(connection: Arc<Connection>, under_way: Arc<AtomicUsize>) -> Self {
        Self { connection, under_way }
    }

    /// Runs one request, and knows whether its answer was waited for.
    async fn run<T>(&self, request: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, SqlError> {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        let asking = self.connection.watch.request();
        let answer = request.await;
        drop(asking);
        // A future that is dropped does not come here: its statement may still run.
        self.under_way.fetch_sub(1, Ordering::AcqRel);
        Ok(answer?)
    }

    /// Prepares a statement, to be run several times.
    pub async fn prepare(&self, sql: &str) -> Result<Statement, SqlError> {
        look(sql)?;
        self.run(self.connection.client.prepare(sql)).await
    }

    /// As [`prepare`](Self::prepare), with the types of some parameters.
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

    /// Runs a statement that yields exactly one row.
    pub async fn query_one<T: ?Sized + Runnable>(
        &self,
        statement: &T,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, SqlError> {
        look(statement.sql().unwrap_or_default())?;
        self.run(self.connection.client.query_one(statement, parameters)).await
    }

    /// Runs a statement that yields one row or none.
    pub async fn query_opt<T: ?Sized + Runnable>(
        &self,
        statement: &T,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, SqlError> {
        look(statement.sql().unwrap_or_default())?;
        self.run(self.connection.client.query_opt(statement, parameters)).await
    }

    /// Runs a statement whose parameters' types are given, in one round trip.
    pub async fn query_typed(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, SqlError> {
        look(sql)?;
        self.run(self.connection.client.query_typed(sql, parameters)).await
    }

    /// Runs a statement, and returns how many rows it has changed.
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

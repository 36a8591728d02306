//! A transaction in a schema.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use cqrs_core::event::RecordedEvent;
use cqrs_core::log::{Bookmark, BoxFuture, CommandRecord, EventQuery, LogTransaction, Page, Position, StoreError};
use cqrs_core::view::{Checkpoint, Parked, ViewTransaction};
use cqrs_core::{CommandId, Database, Tx};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Row};

use crate::connection::{Connection, Pending};
use crate::error::{damaged, store_error};
use crate::handle::Handle;
use crate::pool::PostgresReader;
use crate::query::statements;
use crate::rows;
use crate::shared::Shared;
use crate::sql::Sql;
use crate::text::clamped;
use crate::writer::LockedConnection;
use crate::{commands, events};

/// The database for `Tx<Postgres>` and `Reader<Postgres>`.
#[derive(Clone, Copy, Debug)]
pub enum Postgres {}

impl Database for Postgres {
    type Transaction = Transaction;
    type Reader = PostgresReader;
}

/// A transaction on the database: the type behind `Tx<Postgres>`. It derefs to a [`Handle`].
///
/// A handler's writes are committed with its events, or not at all. Statements that would end the
/// transaction are refused before they are sent, and the commit checks that it ends its own
/// transaction. As always in PostgreSQL, a statement that fails aborts the whole transaction,
/// unless the handler has set a savepoint before it.
///
/// Tables named `cqrs_..` belong to this crate. A handler uses the same role, and could change them
/// if the role may: `sql/writer.sql` creates a role that can only add to the log.
pub struct Transaction {
    handle: Handle,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}

impl Deref for Transaction {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

/// The data that a transaction reads at its start.
pub(crate) struct OpenTransaction {
    /// The rows of its first statement: the last event, or the newest leases.
    pub(crate) first: Vec<Row>,
    pub(crate) checkpoints: Vec<Row>,
    /// `None` if there are too many.
    pub(crate) parked: Option<Vec<Row>>,
}

/// The log, or the views alone, under the lock.
///
/// Statements whose rows do not matter are sent at once, without waiting for an answer: all writes
/// of a batch and the commit share one round trip. An error of such a statement shows with a later
/// answer, at the latest with that of the commit, and then nothing is committed.
pub(crate) struct Locked {
    pub(crate) shared: Arc<Shared>,
    pub(crate) held: LockedConnection,
    pub(crate) connection: Arc<Connection>,
    transaction: Tx<Postgres>,
    /// The id of this transaction, set in the session until the transaction ends.
    pub(crate) token: String,
    pending: Vec<Pending<Vec<Row>>>,
    /// The last committed event.
    committed: Bookmark,
    /// The last appended event, or the last committed one.
    last: Bookmark,
    pub(crate) checkpoints: Option<HashMap<String, Checkpoint>>,
    pub(crate) parked: Option<Vec<Parked>>,
    /// The number of open savepoints.
    pub(crate) savepoints: u32,
}

impl Locked {
    pub(crate) fn new(
        shared: Arc<Shared>,
        held: LockedConnection,
        connection: Arc<Connection>,
        token: String,
        opened: OpenTransaction,
    ) -> Result<Self, StoreError> {
        let store = &shared.place.store;
        let checkpoints = rows::stored_checkpoints(store, &opened.checkpoints)?.into_iter().collect();
        let parked = opened.parked.map(|parked| rows::stored_parked(store, &parked)).transpose()?;
        Ok(Self {
            transaction: Tx::new(Transaction {
                handle: Handle::new(Arc::clone(&connection), Arc::clone(&held.under_way)),
            }),
            shared,
            held,
            connection,
            token,
            pending: Vec::new(),
            committed: Bookmark::START,
            last: Bookmark::START,
            checkpoints: Some(checkpoints),
            parked,
            savepoints: 0,
        })
    }

    /// Sets the end of the log.
    pub(crate) fn at(mut self, last: Bookmark) -> Self {
        (self.committed, self.last) = (last, last);
        self
    }

    /// Sends a statement whose rows do not matter.
    pub(crate) async fn send(&mut self, sql: Sql) -> Result<(), StoreError> {
        match self.connection.prepare(&sql).await {
            Ok(ready) => {
                self.pending.push(self.connection.send(ready, Arc::new(sql)));
                Ok(())
            }
            Err(error) => Err(self.explain(error).await),
        }
    }

    /// Sends statements together, and waits for the rows of all.
    pub(crate) async fn ask(&mut self, statements: Vec<Sql>) -> Result<Vec<Row>, StoreError> {
        let mut sent = Vec::with_capacity(statements.len());
        for sql in statements {
            match self.connection.prepare(&sql).await {
                Ok(ready) => sent.push(self.connection.send(ready, Arc::new(sql))),
                Err(error) => return Err(self.explain(error).await),
            }
        }
        let mut rows = Vec::new();
        for answer in sent {
            match answer.await {
                Ok(mut answer) => rows.append(&mut answer),
                Err(error) => return Err(self.explain(error).await),
            }
        }
        Ok(rows)
    }

    /// Waits for the answers to all statements.
    pub(crate) async fn settle(&mut self) -> Result<(), StoreError> {
        for answer in std::mem::take(&mut self.pending) {
            if let Err(error) = answer.await {
                return Err(self.explain(error).await);
            }
        }
        Ok(())
    }

    /// The error of the first statement that failed. Later ones only report that the transaction is
    /// aborted.
    pub(crate) async fn explain(&mut self, error: Error) -> StoreError {
        let mut first = error;
        for answer in std::mem::take(&mut self.pending) {
            if let Err(error) = answer.await {
                first = error;
                break;
            }
        }
        // A prepared statement may refer to a table that another process has created again.
        self.connection.forget_statements();
        if first.code() == Some(&SqlState::DIVISION_BY_ZERO) {
            let what = "the transaction was ended early by your own SQL; writes before that point are not undone";
            return damaged(&self.shared.place.store, what);
        }
        store_error(&self.shared.place.store, &first)
    }

    pub(crate) fn handlers(&mut self) -> &mut (dyn Any + Send) {
        self.held.writer.lent = true;
        &mut self.transaction
    }

    /// The last event that this transaction has appended.
    pub(crate) fn appended(&self) -> Option<Bookmark> {
        Some(self.last).filter(|last| *last != self.committed)
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
            let rows = self.ask(vec![events::ids(&self.shared.schema, bookmarks)]).await?;
            events::holds(&self.shared.place.store, bookmarks, &rows)
        })
    }

    fn read<'a>(
        &'a mut self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let rows = clamped(limit as u64).saturating_add(1);
            let store = Arc::clone(&self.shared.place.store);
            let mut sent = vec![events::id_at(&self.shared.schema, after)];
            sent.extend(statements(&self.shared.schema, query, after, rows));
            let mut rows = self.ask(sent).await?.into_iter();
            let before = rows.next().map_or(Ok(None), |row| events::column(&store, &row, 0))?;
            events::page(&store, rows, after, limit, (self.last, before))
        })
    }

    fn commands<'a>(
        &'a mut self,
        ids: &'a [CommandId],
    ) -> BoxFuture<'a, Result<Vec<Option<CommandRecord>>, StoreError>> {
        Box::pin(async move {
            let rows = self.ask(vec![commands::find(&self.shared.schema, ids)]).await?;
            commands::found(&self.shared.place.store, ids, &rows)
        })
    }

    fn append<'a>(
        &'a mut self,
        events: &'a [RecordedEvent],
        records: &'a [CommandRecord],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let shared = Arc::clone(&self.shared);
            let statements =
                events::append(&shared.schema, &shared.place.store, &self.token, self.last.position, events)?;
            for sql in statements {
                self.send(sql).await?;
            }
            if !records.is_empty() {
                self.send(commands::remember(&shared.schema, records)).await?;
            }
            self.last = events.last().map_or(self.last, Bookmark::from);
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

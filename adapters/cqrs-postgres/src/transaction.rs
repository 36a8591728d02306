//! The log under its lock.

use std::any::Any;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use cqrs_runtime::event::RecordedEvent;
use cqrs_runtime::log::{Bookmark, BoxFuture, CommandRecord, EventQuery, LogTransaction, Page, Position, StoreError};
use cqrs_runtime::view::{Checkpoint, Parked, ViewTransaction};
use cqrs_runtime::{CommandId, Database, Tx};
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

/// The database that `Tx<Postgres>` and `Reader<Postgres>` name.
#[derive(Clone, Copy, Debug)]
pub enum Postgres {}

impl Database for Postgres {
    type Transaction = Transaction;
    type Reader = PostgresReader;
}

/// A transaction on the database: what `Tx<Postgres>` is. It derefs to a [`Handle`].
///
/// What a handler writes through it is committed with its events, or not at all: what would end the transaction is refused
/// before it is sent, and the commit itself makes sure that it ends the transaction that was begun for it. A statement that fails spoils
/// the whole transaction, as always in PostgreSQL, unless it stands behind a savepoint of the handler's own.
///
/// The tables that are named `cqrs_..` are this crate's. The handler works with the same role, and could change them as far as the
/// role may: `sql/writer.sql` makes a role that can only add to the log.
pub struct Transaction {
    handle: Handle,
}

impl Deref for Transaction {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

/// What a transaction knows from its start.
pub(crate) struct OpenTransaction {
    /// What was asked first: the last event, or the newest leases.
    pub(crate) first: Vec<Row>,
    pub(crate) checkpoints: Vec<Row>,
    /// Nothing where there are too many.
    pub(crate) parked: Option<Vec<Row>>,
}

/// The log, or the views alone, under the lock.
///
/// What needs no answer is sent at once and not waited for: all that a batch writes travels with its commit, in one flight. An error
/// of it shows at the next answer, at the commit at the latest, and nothing is committed then.
pub(crate) struct Locked {
    pub(crate) shared: Arc<Shared>,
    pub(crate) held: LockedConnection,
    pub(crate) connection: Arc<Connection>,
    transaction: Tx<Postgres>,
    /// What the session is told at the start of this transaction, and forgets at its end.
    pub(crate) token: String,
    pending: Vec<Pending<Vec<Row>>>,
    /// The last committed event.
    committed: Bookmark,
    /// The last appended one, or the last committed one.
    last: Bookmark,
    pub(crate) checkpoints: Option<HashMap<String, Checkpoint>>,
    pub(crate) parked: Option<Vec<Parked>>,
    /// How many savepoints are open.
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

    /// Where the log ends.
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

    /// Sends statements together, and waits for all their rows.
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

    /// Waits until all that was sent is done.
    pub(crate) async fn settle(&mut self) -> Result<(), StoreError> {
        for answer in std::mem::take(&mut self.pending) {
            if let Err(error) = answer.await {
                return Err(self.explain(error).await);
            }
        }
        Ok(())
    }

    /// The error of what failed first: what was sent after it only heard that the transaction is spoilt.
    pub(crate) async fn explain(&mut self, error: Error) -> StoreError {
        let mut first = error;
        for answer in std::mem::take(&mut self.pending) {
            if let Err(error) = answer.await {
                first = error;
                break;
            }
        }
        // A statement may have been prepared on a table that another process has made anew.
        self.connection.forget_statements();
        if first.code() == Some(&SqlState::DIVISION_BY_ZERO) {
            let what = "somebody has ended the transaction under this one: what was written before that is not undone";
            return damaged(&self.shared.place.store, what);
        }
        store_error(&self.shared.place.store, &first)
    }

    pub(crate) fn handlers(&mut self) -> &mut (dyn Any + Send) {
        self.held.writer.lent = true;
        &mut self.transaction
    }

    /// The last event that this transaction has appended, if any.
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

//! Acquires the log's lock, and begins transactions.

use std::sync::{Arc, PoisonError};

use cqrs_core::log::{Position, StoreError};
use cqrs_core::view::Lease;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_postgres::Error;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::connect::{CLEAN, Purpose};
use crate::connection::{Backend, Connection};
use crate::error::{is_lost, store_error, unavailable};
use crate::events;
use crate::leases;
use crate::rows;
use crate::shared::Shared;
use crate::sql::Sql;
use crate::transaction::{Locked, OpenTransaction};
use crate::writer::{LockedConnection, Writer};

/// How many connections write views at the same time, each with leases of its own.
const MOST_WRITERS: usize = 8;

/// The maximum number of parked keys that each transaction reads at its start.
const MOST_PARKED: usize = 1_000;

impl Shared {
    /// Begins a transaction under the log's lock: acquires it first among the tasks of this
    /// process, then among processes.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<Locked, StoreError> {
        let writer = self.lock(&self.writer).await?;
        let last = || events::last(&self.schema, Position::START);
        let (locked, last) = self.begin_on(writer, &self.lock_sql(), last).await?;
        Ok(locked.at(events::ends(&self.place.store, &last)?.0))
    }

    /// Begins a transaction on views only, under leases.
    ///
    /// It shares the log's lock with other such transactions; acquiring leases takes that lock
    /// exclusively. It locks its own leases, so transactions under the same lease run one after the
    /// other.
    pub(crate) async fn begin_under(self: &Arc<Self>, leases: &[Lease]) -> Result<Locked, StoreError> {
        let writer = self.any_writer().await?;
        let shared = format!("SELECT pg_advisory_xact_lock_shared({})", self.lock);
        let (locked, newest) = self.begin_on(writer, &shared, || leases::newest(&self.schema, leases)).await?;
        leases::check(&self.place.store, &newest, leases)?;
        Ok(locked)
    }

    /// Locks a connection that writes views. Adds one if all are in use.
    async fn any_writer(&self) -> Result<OwnedMutexGuard<Writer>, StoreError> {
        let chosen = {
            let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
            let known: Vec<_> = others.iter().chain([&self.writer]).cloned().collect();
            if let Some(idle) = known.into_iter().rev().find_map(|writer| writer.try_lock_owned().ok()) {
                return Ok(idle);
            }
            if others.len() + 1 < MOST_WRITERS {
                others.push(Arc::new(Mutex::new(Writer::new(None))));
            }
            // The newest first. If no more can be added, each in turn.
            others.rotate_right(1);
            Arc::clone(&others[0])
        };
        self.lock(&chosen).await
    }

    async fn lock(&self, writer: &Arc<Mutex<Writer>>) -> Result<OwnedMutexGuard<Writer>, StoreError> {
        let lock = tokio::time::timeout(self.place.lock_timeout, Arc::clone(writer).lock_owned());
        lock.await.map_err(|_| {
            let waited = self.place.lock_timeout;
            unavailable(
                &self.place.store,
                format!(
                    "cannot acquire the lock: another transaction of this process has held it for {waited:?}; \
                     retry, or raise `lock_timeout`"
                ),
            )
        })
    }

    /// Begins a transaction on this connection, and returns the rows of `first`, which is read
    /// right after the lock is acquired.
    async fn begin_on(
        self: &Arc<Self>,
        writer: OwnedMutexGuard<Writer>,
        lock: &str,
        first: impl Fn() -> Sql,
    ) -> Result<(Locked, Vec<tokio_postgres::Row>), StoreError> {
        let mut held = LockedConnection::new(writer);
        loop {
            let idle = held.writer.connection.clone().filter(|connection| !connection.client.is_closed());
            let used = idle.is_some();
            let connection = match idle {
                Some(connection) => connection,
                None => self.reconnect(&mut held).await?,
            };
            held.open = Some(Arc::clone(&connection));
            match self.try_begin(&mut held, &connection, lock, first()).await {
                Ok((token, mut opened)) => {
                    let first = std::mem::take(&mut opened.first);
                    return Ok((Locked::new(Arc::clone(self), held, connection, token, opened)?, first));
                }
                // The connection was lost while it was idle: nothing has happened yet.
                Err(error) if used && is_lost(&error) => held.lose(),
                Err(error) => {
                    connection.forget_statements();
                    return Err(store_error(&self.place.store, &error));
                }
            }
        }
    }

    async fn reconnect(&self, held: &mut LockedConnection) -> Result<Arc<Connection>, StoreError> {
        held.lose();
        let connection = self.place.connect(Purpose::Write).await?;
        self.end_lost(&connection, &held.writer.lost).await?;
        held.writer.lost.clear();
        held.writer.lent = false;
        held.writer.connection = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Ends the server processes of lost connections that hold the lock. They do not notice by
    /// themselves, and block all others. A commit that has reached the server is completed first.
    pub(crate) async fn end_lost(&self, connection: &Arc<Connection>, lost: &[Backend]) -> Result<(), StoreError> {
        for backend in lost {
            let sql = "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
                       WHERE a.pid = $1 AND a.backend_start = $2::text::timestamptz AND l.locktype = 'advisory' AND l.granted
                         AND (l.classid::bigint << 32) | l.objid::bigint = $3 AND l.objsubid = 1";
            let sql = Sql::new(sql)
                .with(backend.pid, Type::INT4)
                .with(backend.started.clone(), Type::TEXT)
                .with(self.lock, Type::INT8);
            connection.query(sql).await.map_err(|error| store_error(&self.place.store, &error))?;
        }
        Ok(())
    }

    /// Begins, acquires the lock, and reads what most transactions need first, in one round trip.
    async fn try_begin(
        &self,
        held: &mut LockedConnection,
        connection: &Arc<Connection>,
        lock: &str,
        first: Sql,
    ) -> Result<(String, OpenTransaction), Error> {
        let asked = [first, rows::checkpoints(&self.schema), parked(&self.schema)];
        let mut ready = Vec::with_capacity(asked.len());
        for sql in &asked {
            ready.push(connection.prepare(sql).await?);
        }
        let cleaned =
            held.writer.lent.then(|| connection.send_text(format!("{CLEAN}{}", self.place.setup(Purpose::Write))));
        held.writer.lent = false;
        let token = Uuid::now_v7().simple().to_string();
        let begun = connection.send_text(format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {lock}; SELECT set_config('cqrs.transaction', '{token}', true)"
        ));
        let mut answers = Vec::with_capacity(asked.len());
        for (ready, sql) in ready.into_iter().zip(asked) {
            answers.push(connection.send(ready, Arc::new(sql)));
        }
        if let Some(cleaned) = cleaned {
            cleaned.await?;
        }
        begun.await?;
        let mut answers = answers.into_iter();
        let mut next = async || match answers.next() {
            Some(answer) => answer.await,
            None => Ok(Vec::new()),
        };
        let mut opened =
            OpenTransaction { first: next().await?, checkpoints: next().await?, parked: Some(next().await?) };
        opened.parked = opened.parked.filter(|parked| parked.len() <= MOST_PARKED);
        Ok((token, opened))
    }

    /// Acquires the log's lock until the end of the transaction.
    pub(crate) fn lock_sql(&self) -> String {
        format!("SELECT pg_advisory_xact_lock({})", self.lock)
    }
}

fn parked(schema: &str) -> Sql {
    let mut sql = rows::parked(schema);
    sql.push(&format!(" LIMIT {}", MOST_PARKED + 1));
    sql
}

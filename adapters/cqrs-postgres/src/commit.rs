//! Commits a transaction, and resolves a commit whose answer was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_core::log::{Bookmark, Position, StoreError};
use tokio_postgres::Error;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::connect::{DURABLE, Purpose};
use crate::connection::{Backend, Connection};
use crate::error::{is_lost, reason, store_error, unavailable};
use crate::shared::Shared;
use crate::sql::Sql;
use crate::text::{clamped, literal};
use crate::transaction::Locked;
use crate::writer::LockedConnection;

/// How long to wait before the next attempt to reach a server.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What exists in the database if and only if a transaction was committed.
enum Proof {
    /// Its last event, at that event's position.
    Event(Position, Uuid),
    /// A mark, for a transaction without events.
    Mark(Uuid),
}

impl Locked {
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let proof = match self.appended() {
            Some(Bookmark { position, event: Some(event) }) => Proof::Event(position, event),
            _ => Proof::Mark(Uuid::now_v7()),
        };
        let committed = self.connection.send_text(self.commit_sql(&proof)).await;
        match committed {
            Ok(()) => {
                self.held.open = None;
                // Earlier statements are answered first, and if one of them fails, so does the
                // commit.
                self.settle().await
            }
            Err(error) if is_lost(&error) => {
                let Self { shared, mut held, .. } = self;
                let lost = self.connection.backend.clone();
                held.lose();
                resolve(&shared, held, lost, &proof, &error).await
            }
            Err(error) => Err(self.explain(error).await),
        }
    }

    /// One message: after a statement that fails, the rest is not run, and nothing is committed.
    fn commit_sql(&self, proof: &Proof) -> String {
        let Shared { schema, channel, .. } = &*self.shared;
        let durable = if self.held.writer.lent { DURABLE } else { "" };
        let extra = match proof {
            Proof::Event(last, _) if self.shared.notify => format!("SELECT pg_notify({}, '{last}');", literal(channel)),
            Proof::Event(..) => String::new(),
            Proof::Mark(id) => format!(
                "DELETE FROM {schema}.cqrs_marks WHERE made < now() - interval '1 day';
                 INSERT INTO {schema}.cqrs_marks (id) VALUES ('{id}');"
            ),
        };
        // This divides by zero in any other transaction than its own.
        let ours = format!("current_setting('cqrs.transaction', true) IS NOT DISTINCT FROM '{}'", self.token);
        format!("{durable}{extra} SELECT 1 / ({ours})::int; COMMIT")
    }
}

/// Finds out whether a commit whose answer was lost has taken effect.
///
/// It looks for the proof under the lock: the server process of the lost connection commits or
/// rolls back before it releases the lock. (The transaction's number is not enough: after a crash
/// the server may reuse the number of an unfinished transaction.)
async fn resolve(
    shared: &Arc<Shared>,
    mut held: LockedConnection,
    lost: Backend,
    proof: &Proof,
    error: &Error,
) -> Result<(), StoreError> {
    let started = Instant::now();
    let store = &shared.place.store;
    let mut wait = FIRST_WAIT;
    tracing::warn!(error = reason(error), "the answer to a commit was lost; checking whether it took effect");
    loop {
        match look(shared, &lost, proof).await {
            Ok((connection, there)) => {
                held.writer.lost.clear();
                held.writer.lent = false;
                held.writer.connection = Some(connection);
                let undone = || format!("the connection was lost before the commit: {}", reason(error));
                return if there { Ok(()) } else { Err(unavailable(store, undone())) };
            }
            Err(later) if started.elapsed() >= shared.place.lock_timeout => {
                let reason = format!("{}; then: {later}", reason(error));
                return Err(StoreError::Unknown { store: store.to_string(), reason });
            }
            Err(later) => tracing::warn!(error = %later, "cannot reach the server; retrying"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Whether the proof exists, on a new connection.
async fn look(shared: &Arc<Shared>, lost: &Backend, proof: &Proof) -> Result<(Arc<Connection>, bool), StoreError> {
    let failed = |error: Error| store_error(&shared.place.store, &error);
    let connection = shared.place.connect(Purpose::Write).await?;
    shared.end_lost(&connection, std::slice::from_ref(lost)).await?;
    connection.send_text(format!("BEGIN; {}", shared.lock_sql())).await.map_err(failed)?;
    let schema = &shared.schema;
    let sql = match proof {
        Proof::Event(position, id) => {
            Sql::new(format!("SELECT FROM {schema}.cqrs_events WHERE position = $1 AND id = $2"))
                .with(clamped(position.get()), Type::INT8)
                .with(*id, Type::UUID)
        }
        Proof::Mark(id) => Sql::new(format!("SELECT FROM {schema}.cqrs_marks WHERE id = $1")).with(*id, Type::UUID),
    };
    let rows = connection.query(sql).await.map_err(failed)?;
    connection.send_text("ROLLBACK".into()).await.map_err(failed)?;
    Ok((connection, !rows.is_empty()))
}

#[cfg(test)]
mod tests {
    use cqrs_core::log::{EventLog, EventQuery, LogTransaction};

    use super::*;
    use crate::PostgresLog;

    /// As if a handler had bypassed the guard.
    #[tokio::test]
    async fn a_transaction_that_has_ended_early_stores_no_event() {
        let database = cqrs_test_servers::Postgres::shared().database();
        let log = PostgresLog::open(database.url()).await.expect("a log");
        for ends in ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "ROLLBACK AND CHAIN"] {
            for before in [true, false] {
                let mut locked = log.shared().begin().await.expect("the lock");
                let events = [crate::plans::event(locked.head().next())];
                if before {
                    locked.connection.send_text(ends.into()).await.expect("a statement");
                }
                locked.append(&events, &[]).await.expect("an append is only sent");
                if !before {
                    locked.settle().await.expect("an append");
                    locked.connection.send_text("ROLLBACK".into()).await.expect("a statement");
                }
                let error = locked.commit().await.expect_err("the transaction has ended");
                assert!(matches!(&error, StoreError::Failed { reason, .. } if reason.contains("ended")), "{error}");
                let page = log.read(&EventQuery::all(), Position::START, 10).await.expect("a page");
                assert!(page.events.is_empty(), "`{ends}`: {page:?}");
            }
        }
    }
}

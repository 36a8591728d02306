//! Detects a pooler that distributes a session's statements over several connections.

use std::sync::Arc;

use tokio_postgres::{Error, SimpleQueryMessage};

use crate::connect::{Place, Purpose};
use crate::connection::Connection;
use crate::error::{OpenError, damaged, store_error};

/// How often to check. Once is enough as a rule: the second session gets the connection that the
/// first one has just released.
const LOOKS: usize = 4;

/// Refuses a place without real sessions: prepared statements, settings, notifications and locks
/// would be lost between two statements.
///
/// Two sessions are open at the same time, one of them inside a transaction. If one server process
/// answers both, or two processes answer one of them, they share connections.
pub(crate) async fn refuse(place: &Place, first: &Arc<Connection>, purpose: Purpose) -> Result<(), OpenError> {
    let second = place.connect(purpose).await?;
    let pooled = || OpenError::Pooled { store: place.store.to_string() };
    let failed = |error: Error| match error.as_db_error() {
        // PgBouncer with `pool_mode = statement`.
        Some(said) if said.message().contains("statement pooling") => pooled(),
        _ => OpenError::Store(store_error(&place.store, &error)),
    };
    for _ in 0..LOOKS {
        let before = process(place, first, "SELECT pg_backend_pid()").await?.map_err(failed)?;
        let other = process(place, &second, "BEGIN; SELECT pg_backend_pid()").await?.map_err(failed)?;
        let after = process(place, first, "SELECT pg_backend_pid()").await?.map_err(failed)?;
        second.client.batch_execute("ROLLBACK").await.map_err(failed)?;
        if before != after || before == other {
            return Err(pooled());
        }
    }
    Ok(())
}

/// The server process that answers. It uses no prepared statement, which would not survive such a
/// pooler.
async fn process(place: &Place, connection: &Connection, sql: &str) -> Result<Result<String, Error>, OpenError> {
    let answers = match connection.client.simple_query(sql).await {
        Ok(answers) => answers,
        Err(error) => return Ok(Err(error)),
    };
    let process = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    process.map(Ok).ok_or_else(|| OpenError::Store(damaged(&place.store, "the server did not report its process id")))
}

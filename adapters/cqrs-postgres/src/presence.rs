//! Shows whether a process that holds leases is alive: it holds a lock in a session of its own.
//!
//! The server releases the lock when the session ends. A lost session is opened again. Until then
//! others may acquire the leases, and tokens decide who may write.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use uuid::Uuid;

use crate::connect::{Place, Purpose};
use crate::connection::Connection;

/// How long a session may take to answer before it is replaced.
const ANSWER: Duration = Duration::from_secs(2);

/// The lock of this process.
pub(crate) struct Presence {
    lock: i64,
    session: Mutex<Option<Arc<Connection>>>,
}

impl Presence {
    /// Locks nothing yet.
    pub(crate) fn new() -> Self {
        Self { lock: Uuid::now_v7().as_u64_pair().1.cast_signed(), session: Mutex::default() }
    }

    /// Holds the lock, and returns it. `None` if that fails: then only the time of a lease decides.
    pub(crate) async fn hold(&self, place: &Place) -> Option<i64> {
        let mut session = self.session.lock().await;
        // It asks the server: a session that the server has ended shows only with the next answer.
        let holds = match &*session {
            Some(session) => matches!(tokio::time::timeout(ANSWER, session.client.simple_query("")).await, Ok(Ok(_))),
            None => false,
        };
        if !holds {
            *session = self.lock(place).await;
        }
        session.as_ref().map(|_| self.lock)
    }

    async fn lock(&self, place: &Place) -> Option<Arc<Connection>> {
        let session = match place.connect(Purpose::Listen).await {
            Ok(session) => session,
            Err(error) => {
                tracing::debug!(%error, "cannot open a session for the lock that shows that this process is alive");
                return None;
            }
        };
        // Shared, because the server may not have noticed yet that an earlier session was lost.
        let sql = format!("SELECT pg_advisory_lock_shared({})", self.lock);
        match session.client.batch_execute(&sql).await {
            Ok(()) => Some(session),
            Err(error) => {
                tracing::debug!(%error, "cannot acquire the lock that shows that this process is alive");
                None
            }
        }
    }
}

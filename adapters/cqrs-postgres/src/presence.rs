//! Whether a process that has leases still lives: a lock that it holds in a session of its own.
//!
//! The server lets go of the lock with the session. A connection that is lost is made again; until then others may take the leases
//! over, and their tokens tell which of the two is right.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use uuid::Uuid;

use crate::connect::{Place, Purpose};
use crate::connection::Connection;

/// How long a session may take to answer before another is made.
const ANSWER: Duration = Duration::from_secs(2);

/// This process's lock.
pub(crate) struct Presence {
    lock: i64,
    session: Mutex<Option<Arc<Connection>>>,
}

impl Presence {
    /// Nothing is locked yet.
    pub(crate) fn new() -> Self {
        Self { lock: Uuid::now_v7().as_u64_pair().1.cast_signed(), session: Mutex::default() }
    }

    /// The lock, which is held now. `None` where that cannot be: then the time of leases decides alone.
    pub(crate) async fn hold(&self, place: &Place) -> Option<i64> {
        let mut session = self.session.lock().await;
        // Asked, and not only looked at: that the server has ended it shows with the next answer.
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
                tracing::debug!(%error, "no session to hold a lock in, by which others know that this process lives");
                return None;
            }
        };
        // Shared: the server may not have noticed yet that an earlier session was lost.
        let sql = format!("SELECT pg_advisory_lock_shared({})", self.lock);
        match session.client.batch_execute(&sql).await {
            Ok(()) => Some(session),
            Err(error) => {
                tracing::debug!(%error, "a lock is refused, by which others know that this process lives");
                None
            }
        }
    }
}

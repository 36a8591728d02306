//! A connection that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::OwnedMutexGuard;

use crate::connection::{Backend, Connection};

/// A connection that writes, opened on demand.
pub(crate) struct Writer {
    pub(crate) connection: Option<Arc<Connection>>,
    /// Whether a handler has used the connection since it was set up.
    pub(crate) lent: bool,
    /// Server processes of connections that were lost inside a transaction: they may still hold the
    /// lock.
    pub(crate) lost: Vec<Backend>,
}

impl Writer {
    pub(crate) fn new(connection: Option<Arc<Connection>>) -> Self {
        Self { connection, lent: false, lost: Vec::new() }
    }
}

/// A writing connection that one transaction has locked. Dropping it rolls back uncommitted writes.
pub(crate) struct LockedConnection {
    pub(crate) writer: OwnedMutexGuard<Writer>,
    /// The connection, while a transaction is open on it.
    pub(crate) open: Option<Arc<Connection>>,
    /// The number of the handler's statements without an answer.
    pub(crate) under_way: Arc<AtomicUsize>,
}

impl LockedConnection {
    pub(crate) fn new(writer: OwnedMutexGuard<Writer>) -> Self {
        Self { writer, open: None, under_way: Arc::default() }
    }

    /// Drops a broken connection. The server may not have noticed yet that it is broken.
    pub(crate) fn lose(&mut self) {
        self.open = None;
        if let Some(connection) = self.writer.connection.take() {
            self.writer.lost.push(connection.backend.clone());
        }
    }
}

impl Drop for LockedConnection {
    fn drop(&mut self) {
        let Some(connection) = self.open.take() else { return };
        if connection.client.is_closed() || self.under_way.load(Ordering::Acquire) > 0 {
            // The handler did not wait for one of its statements, which would block the next
            // transaction. The statement ends with its server process.
            self.lose();
        } else {
            // Sent before the statements of the next transaction. Its answer does not matter.
            drop(connection.send_text("ROLLBACK".into()));
        }
    }
}

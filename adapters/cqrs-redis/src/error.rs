//! Converts Redis's errors to those of the runtime.

use std::fmt;

use cqrs_core::log::StoreError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why a server could not be opened as a view store.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is invalid.
    #[error("invalid URL of the Redis server: {0}; expected `redis://[user:password@]host[:port][/database]`")]
    BadUrl(String),
    /// The server is too old.
    #[error("Redis at {server} cannot be opened: its version is {found}; update it to 6.2 or later")]
    TooOld {
        /// The server's address.
        server: String,
        /// Its version.
        found: String,
    },
    /// The server is part of a cluster, where a script reaches only the keys of one server.
    #[error("Redis at {0} cannot be opened: it is part of a cluster; open a single server, which may have replicas")]
    Cluster(String),
    /// The server is a replica, which is read-only.
    #[error("Redis at {0} cannot be opened: it is a replica, which is read-only; open its master")]
    Replica(String),
    /// The server drops keys when its memory is full, so rows would be lost silently.
    #[error(
        "Redis at {server} cannot be opened: it drops keys when its memory is full (`maxmemory-policy {policy}`); set \
         the policy to `noeviction`, or to a `volatile-..` policy, which keeps keys without expiry"
    )]
    Evicts {
        /// The server's address.
        server: String,
        /// Its policy.
        policy: String,
    },
    /// The server cannot be reached, or returned an error.
    #[error("Redis at {server} cannot be opened: {reason}")]
    Failed {
        /// The server's address.
        server: String,
        /// The error's text.
        reason: String,
    },
}

/// The same as [`Display`](fmt::Display), because `main` prints the errors that it returns with
/// `Debug`.
impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Converts an error of any step but the last of a commit.
pub(crate) fn store_error(store: &str, error: &RedisError) -> StoreError {
    match error.code() {
        Some("CQRSLOST") => {
            let projection = error.detail().unwrap_or_default();
            let reason = format!(
                "lost the lease on projection `{projection}`: another process has acquired it, or the \
                 server was restarted"
            );
            return failed(store, reason);
        }
        Some("CQRSSHAPE") => {
            let view = error.detail().unwrap_or_default();
            let reason = format!(
                "view `{view}` does not have this program's shape: another program has changed it, or the server \
                 was emptied; it is rebuilt automatically"
            );
            return StoreError::Unavailable { store: store.to_owned(), reason };
        }
        _ => {}
    }
    let (store, reason) = (store.to_owned(), error.to_string());
    let is_busy = matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
        )
    );
    if is_busy || is_lost(error) || matches!(error.code(), Some("OOM" | "BUSY" | "MISCONF" | "NOREPLICAS")) {
        StoreError::Unavailable { store, reason }
    } else {
        StoreError::Failed { store, reason }
    }
}

/// Converts an error of the last step of a commit, which takes effect as a whole or not at all.
pub(crate) fn commit_error(store: &str, error: &RedisError) -> StoreError {
    if is_lost(error) && !error.is_connection_refusal() {
        return StoreError::Unknown { store: store.to_owned(), reason: error.to_string() };
    }
    store_error(store, error)
}

/// Whether the answer is missing.
fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}

/// The error for data that this crate did not write, or an impossible request.
pub(crate) fn failed(store: &str, reason: impl fmt::Display) -> StoreError {
    StoreError::Failed { store: store.to_owned(), reason: reason.to_string() }
}

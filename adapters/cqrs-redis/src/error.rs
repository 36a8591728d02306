//! How Redis's errors become those of the runtime.

use std::fmt;

use cqrs_runtime::log::StoreError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why a server could not be opened as a view store.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is none that the client knows.
    #[error(
        "the URL of the Redis server cannot be read: {0}; expected `redis://[user:password@]host[:port][/database]`"
    )]
    BadUrl(String),
    /// The server lacks what this crate needs.
    #[error("Redis at {server} is of version {found}, and 6.2 is the first that can hold views: update it")]
    TooOld {
        /// Where it is.
        server: String,
        /// Its version.
        found: String,
    },
    /// A cluster spreads keys over servers, and a script reaches those of one.
    #[error("Redis at {0} is a cluster's: views need one server, and may have replicas; open another one")]
    Cluster(String),
    /// The server follows another one, and takes no writes.
    #[error("Redis at {0} is a replica, which takes no writes: open the server that it follows")]
    Replica(String),
    /// The server drops keys when its memory is full, and rows would be missing without a word.
    #[error(
        "Redis at {server} drops keys when its memory is full (`maxmemory-policy {policy}`): set it to `noeviction`, or to a \
         `volatile-..` policy, which leaves alone what has no time to live"
    )]
    Evicts {
        /// Where it is.
        server: String,
        /// Its policy.
        policy: String,
    },
    /// It cannot be reached, or refused to talk.
    #[error("Redis at {server} cannot be opened: {reason}")]
    Failed {
        /// Where it is.
        server: String,
        /// What was said.
        reason: String,
    },
}

/// As [`Display`](fmt::Display), since `main` prints the error that it returns so.
impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An error of anything but the last step of a commit.
pub(crate) fn store_error(store: &str, error: &RedisError) -> StoreError {
    match error.code() {
        Some("CQRSLOST") => {
            let projection = error.detail().unwrap_or_default();
            let reason =
                format!("another process has taken projection `{projection}` over, or the server was started anew");
            return failed(store, reason);
        }
        Some("CQRSSHAPE") => {
            let view = error.detail().unwrap_or_default();
            let reason = format!(
                "view `{view}` is not there in this program's shape: another program has made room for its own, or the \
                 server was emptied, and the view will be built anew"
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

/// An error of the last step of a commit, which is done as a whole or not at all.
pub(crate) fn commit_error(store: &str, error: &RedisError) -> StoreError {
    if is_lost(error) && !error.is_connection_refusal() {
        return StoreError::Unknown { store: store.to_owned(), reason: error.to_string() };
    }
    store_error(store, error)
}

/// Whether no answer came.
fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}

/// What is stored is not what this crate wrote, or what is asked for cannot be had.
pub(crate) fn failed(store: &str, reason: impl fmt::Display) -> StoreError {
    StoreError::Failed { store: store.to_owned(), reason: reason.to_string() }
}

//! Converts MongoDB's errors to those of the runtime.

use std::fmt;

use cqrs_core::log::StoreError;
use mongodb::error::{Error, ErrorKind, WriteFailure};

/// Why a server could not be opened as a view store.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is invalid.
    #[error("invalid URL of the MongoDB server: {0}; expected `mongodb://[user:password@]host[:port]/database`")]
    BadUrl(String),
    /// The server is too old.
    #[error(
        "MongoDB at {server} cannot be opened: it supports version {found} of the protocol, but views need 9; update \
         it to MongoDB 4.4 or later"
    )]
    TooOld {
        /// The server's address.
        server: String,
        /// The newest version of the protocol that it supports.
        found: i32,
    },
    /// The server cannot be reached, or returned an error.
    #[error("MongoDB at {server} cannot be opened: {reason}")]
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

/// An error of a call to the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{}", .0.kind)]
    Server(#[from] Error),
    /// The answer did not arrive in time.
    #[error("timed out waiting for an answer")]
    Late,
}

impl CallError {
    /// Whether the document already exists.
    pub(crate) fn is_duplicate(&self) -> bool {
        let Self::Server(error) = self else { return false };
        matches!(&*error.kind, ErrorKind::Write(WriteFailure::WriteError(error)) if error.code == 11_000)
    }
}

/// Error codes of a server that is temporarily unavailable: shutting down, starting, no longer the
/// primary, or overloaded.
const BUSY: [i32; 16] = [6, 7, 50, 64, 89, 91, 134, 189, 262, 9001, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436];

/// Converts an error of any step but the last of a commit.
pub(crate) fn store_error(store: &str, error: &CallError) -> StoreError {
    let is_away = match error {
        CallError::Late => true,
        CallError::Server(error) => match &*error.kind {
            ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
            ErrorKind::Command(error) => BUSY.contains(&error.code),
            _ => error.contains_label(mongodb::error::RETRYABLE_ERROR),
        },
    };
    let (store, reason) = (store.to_owned(), error.to_string());
    if is_away { StoreError::Unavailable { store, reason } } else { StoreError::Failed { store, reason } }
}

/// Converts an error of the last step of a commit, which takes effect as a whole or not at all.
pub(crate) fn commit_error(store: &str, error: &CallError) -> StoreError {
    let is_sent = match error {
        CallError::Late => true,
        CallError::Server(error) => match &*error.kind {
            ErrorKind::Io(_) | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
            ErrorKind::Command(error) => BUSY.contains(&error.code),
            _ => false,
        },
    };
    if is_sent {
        return StoreError::Unknown { store: store.to_owned(), reason: error.to_string() };
    }
    store_error(store, error)
}

/// The error for data that this crate did not write, or an impossible request.
pub(crate) fn failed(store: &str, reason: impl fmt::Display) -> StoreError {
    StoreError::Failed { store: store.to_owned(), reason: reason.to_string() }
}

/// The error for a view that is missing or has another shape.
pub(crate) fn other_shape(store: &str, view: &str) -> StoreError {
    let reason = format!(
        "view `{view}` does not have this program's shape: another program has changed it, or the database was \
         emptied; it is rebuilt automatically"
    );
    StoreError::Unavailable { store: store.to_owned(), reason }
}

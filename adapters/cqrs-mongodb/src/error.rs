//! How MongoDB's errors become those of the runtime.

use std::fmt;

use cqrs_runtime::log::StoreError;
use mongodb::error::{Error, ErrorKind, WriteFailure};

/// Why a server could not be opened as a view store.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is none that the client knows.
    #[error(
        "the URL of the MongoDB server cannot be read: {0}; expected `mongodb://[user:password@]host[:port]/database`"
    )]
    BadUrl(String),
    /// The server lacks what this crate needs.
    #[error(
        "MongoDB at {server} speaks version {found} of the protocol, and 9 (MongoDB 4.4) is the first that can hold views: update it"
    )]
    TooOld {
        /// Where it is.
        server: String,
        /// The version of the protocol that it speaks.
        found: i32,
    },
    /// It cannot be reached, or refused to talk.
    #[error("MongoDB at {server} cannot be opened: {reason}")]
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

/// What can go wrong in a call of the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{}", .0.kind)]
    Server(#[from] Error),
    /// It said nothing in time.
    #[error("no answer came in time")]
    Late,
}

impl CallError {
    /// Whether it is of a document that is there already.
    pub(crate) fn is_duplicate(&self) -> bool {
        let Self::Server(error) = self else { return false };
        matches!(&*error.kind, ErrorKind::Write(WriteFailure::WriteError(error)) if error.code == 11_000)
    }
}

/// Codes of a server that is away for a while: shutting down, starting, no longer the primary, short of time.
const BUSY: [i32; 16] = [6, 7, 50, 64, 89, 91, 134, 189, 262, 9001, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436];

/// An error of anything but the step that ends a commit.
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

/// An error of the step that ends a commit, which is done as a whole or not at all.
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

/// What is stored is not what this crate wrote, or what is asked for cannot be had.
pub(crate) fn failed(store: &str, reason: impl fmt::Display) -> StoreError {
    StoreError::Failed { store: store.to_owned(), reason: reason.to_string() }
}

/// The view is not there, or is another program's.
pub(crate) fn other_shape(store: &str, view: &str) -> StoreError {
    let reason = format!(
        "view `{view}` is not there in this program's shape: another program has made room for its own, or the \
         database was emptied, and the view will be built anew"
    );
    StoreError::Unavailable { store: store.to_owned(), reason }
}

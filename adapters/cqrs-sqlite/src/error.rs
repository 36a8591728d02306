//! Converts `SQLite`'s errors to those of the runtime.

use std::fmt;
use std::path::PathBuf;

use cqrs_core::log::StoreError;
use rusqlite::ErrorCode;

/// Why a file could not be opened as a log or as views.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The path is empty or `:memory:`.
    #[error(
        "`{}` cannot be opened: it names no file, and each connection would get a database of its own; give a file, \
         or use `MemoryLog` for a log in memory",
        .0.display()
    )]
    NoFile(PathBuf),
    /// The path is a URI.
    #[error(
        "`{uri}` cannot be opened: it is a URI, not a path; pass the file's path, set options with \
         `SqliteLog::builder` or `SqliteViews::builder`, and use `MemoryLog` for a log in memory"
    )]
    Uri {
        /// The URI, without its query.
        uri: String,
    },
    /// The folder of the file does not exist.
    #[error("the folder of `{}` does not exist; create it", .0.display())]
    NoFolder(PathBuf),
    /// The file is not an SQLite database.
    #[error("`{}` cannot be opened: it is not an SQLite database; move it away, or open another path", .0.display())]
    NotADatabase(PathBuf),
    /// The database has a table with a reserved name that this crate did not create.
    #[error(
        "`{}` cannot be opened: it has a table `{table}` that this crate did not create; open another file, or \
         rename the table",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The table.
        table: String,
    },
    /// A newer version of this crate wrote the file.
    #[error(
        "`{}` cannot be opened: it has schema version {found}, written by a newer cqrs-sqlite, and this program \
         supports {known} at most; update this program, or open an older copy",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's schema version.
        found: i64,
        /// The newest version that this program supports.
        known: i64,
    },
    /// The file system does not support a database that several connections share.
    #[error(
        "`{}` cannot be opened: write-ahead mode is not supported (journal mode stays `{mode}`); move it to a local \
         file system",
        path.display()
    )]
    NoWal {
        /// The file.
        path: PathBuf,
        /// The journal mode that the file stays in.
        mode: String,
    },
    /// Any other error of `SQLite` or the file system.
    #[error("`{}` cannot be opened: {reason}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
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

/// Whether another connection holds the lock.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Converts an error of any statement but `COMMIT`: nothing was changed.
pub(crate) fn store_error(store: &str, error: &rusqlite::Error) -> StoreError {
    let (store, reason) = (store.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory,
        ) => StoreError::Unavailable { store, reason },
        _ => StoreError::Failed { store, reason },
    }
}

/// Converts an error of `COMMIT`.
///
/// After an input/output error the last frame of the commit may be in the file although its `fsync`
/// failed. Whether it counts is known only when the next writer recovers the file.
pub(crate) fn commit_error(store: &str, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => StoreError::Unknown { store: store.to_owned(), reason: error.to_string() },
        _ => store_error(store, error),
    }
}

/// The error for a file whose content this crate did not write.
pub(crate) fn damaged(store: &str, what: impl fmt::Display) -> StoreError {
    StoreError::Failed { store: store.to_owned(), reason: what.to_string() }
}

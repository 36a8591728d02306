//! How `SQLite`'s errors become those of the runtime.

use std::fmt;
use std::path::PathBuf;

use cqrs_runtime::log::StoreError;
use rusqlite::ErrorCode;

/// Why a file could not be opened as a log.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The path names no file: `:memory:`, or nothing at all.
    #[error("`{}` is no file: every connection would see a database of its own; use `MemoryLog` for a log in memory", .0.display())]
    NoFile(PathBuf),
    /// A URI was given for a path.
    #[error(
        "`{uri}` is a URI, and a path is wanted: give the file's path alone, its options to `SqliteLog::builder` or \
         `SqliteViews::builder`, and use `MemoryLog` for a log in memory"
    )]
    Uri {
        /// The URI, without what follows its `?`.
        uri: String,
    },
    /// The folder that the file would lie in is not there.
    #[error("the folder of `{}` does not exist", .0.display())]
    NoFolder(PathBuf),
    /// The file holds something else.
    #[error("`{}` is not an SQLite database: move it away, or open another path", .0.display())]
    NotADatabase(PathBuf),
    /// The database has tables of the log's names that this crate did not make.
    #[error("`{}` has a table `{table}` that is not this crate's: open another file, or rename the table", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The table.
        table: String,
    },
    /// A newer version of this crate has changed the file.
    #[error(
        "`{}` has schema version {found}, and this program knows {known} as the newest: a newer version of cqrs-sqlite \
         wrote it; update this program, or open a copy made before",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's schema version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The file system cannot hold a database that several connections share.
    #[error("`{}` cannot be put into write-ahead mode (it stays in `{mode}`): is it on a network file system?", path.display())]
    NoWal {
        /// The file.
        path: PathBuf,
        /// The journal mode that it stays in.
        mode: String,
    },
    /// Anything else that `SQLite` or the file system says.
    #[error("`{}` cannot be opened: {reason}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
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

/// Whether somebody else has the lock.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// An error of a statement other than `COMMIT`: nothing was changed.
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

/// An error of `COMMIT`.
///
/// After an input/output error the commit's last frame may be in the file although its `fsync` failed: whether it counts is
/// known only once somebody else writes, or recovers the file.
pub(crate) fn commit_error(store: &str, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => StoreError::Unknown { store: store.to_owned(), reason: error.to_string() },
        _ => store_error(store, error),
    }
}

/// What the file holds is not what this crate wrote.
pub(crate) fn damaged(store: &str, what: impl fmt::Display) -> StoreError {
    StoreError::Failed { store: store.to_owned(), reason: what.to_string() }
}

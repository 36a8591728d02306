//! How PostgreSQL's errors become those of the runtime.

use std::fmt;

use cqrs_runtime::log::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Why a database could not be opened as a log.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL cannot be read.
    #[error("the URL of the database cannot be read: {0}; expected `postgres://user:password@host:port/database`")]
    Url(String),
    /// The schema's name cannot be one.
    #[error("`{0}` cannot be a schema's name: 1 to 63 bytes, and none of PostgreSQL's own (`pg_..`)")]
    Schema(String),
    /// The server is older than this crate knows.
    #[error("{store} is PostgreSQL {found}: this crate needs version 13 or later")]
    TooOld {
        /// Which store, and where.
        store: String,
        /// The server's version.
        found: String,
    },
    /// The database is not in UTF-8.
    #[error(
        "{store} is in {found}, and cannot hold every text: make the database with `ENCODING 'UTF8' TEMPLATE template0`"
    )]
    Encoding {
        /// Which store, and where.
        store: String,
        /// The database's encoding.
        found: String,
    },
    /// A pooler is in front of the server, and gives the statements of one session to several of the server's connections.
    #[error(
        "{store} is behind a pooler that gives each transaction, or each statement, another connection (PgBouncer's \
         `pool_mode = transaction`): locks, notifications and prepared statements of a session get lost there; connect to the \
         server itself, or to a pool with `pool_mode = session`"
    )]
    Pooled {
        /// Which store, and where.
        store: String,
    },
    /// The schema has tables of the log's names that this crate did not make.
    #[error("{store} has a table `{table}` that is not this crate's: choose another schema, or rename the table")]
    Foreign {
        /// Which store, and where.
        store: String,
        /// The table.
        table: String,
    },
    /// A newer version of this crate has changed the schema.
    #[error(
        "{store} has schema version {found}, and this program knows {known} as the newest: a newer version of \
         cqrs-postgres wrote it; update this program"
    )]
    Newer {
        /// Which store, and where.
        store: String,
        /// The schema's version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// An older version of this crate made the schema, and the role may not bring it up.
    #[error(
        "{store} has schema version {found}, this program needs {needed}, and its role may not change the schema \
         ({reason}): open the log once with the URL of the schema's owner, and run this crate's `sql/writer.sql` and \
         `sql/reader.sql` again"
    )]
    Older {
        /// Which store, and where.
        store: String,
        /// The schema's version.
        found: i64,
        /// The version that this program needs.
        needed: i64,
        /// What the server said.
        reason: String,
    },
    /// Anything else that PostgreSQL or the network says.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// As [`Display`](fmt::Display), since `main` prints the error that it returns so.
impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an error says, the server's own words first.
pub(crate) fn reason(error: &Error) -> String {
    use std::error::Error as _;
    if let Some(error) = error.as_db_error() {
        let mut reason = format!("{} ({})", error.message(), error.code().code());
        for more in [error.detail(), error.hint()].into_iter().flatten() {
            reason.push_str("; ");
            reason.push_str(more);
        }
        return reason;
    }
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        reason = format!("{reason}: {error}");
        source = error.source();
    }
    reason
}

/// Whether the connection is gone, or as good as gone.
pub(crate) fn is_lost(error: &Error) -> bool {
    match error.as_db_error() {
        Some(error) => is_fatal(error),
        None => error.is_closed() || source_is_io(error),
    }
}

fn is_fatal(error: &DbError) -> bool {
    let fatal = match error.parsed_severity() {
        Some(severity) => matches!(severity, Severity::Fatal | Severity::Panic),
        None => matches!(error.severity(), "FATAL" | "PANIC"),
    };
    // A hot standby answers so after a failover: another server is the one to write to.
    fatal || *error.code() == SqlState::READ_ONLY_SQL_TRANSACTION
}

fn source_is_io(error: &Error) -> bool {
    use std::error::Error as _;
    error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// An error of anything but `COMMIT`: nothing was changed.
pub(crate) fn store_error(store: &str, error: &Error) -> StoreError {
    let (store, reason) = (store.to_owned(), reason(error));
    let unavailable = match error.code() {
        _ if is_lost(error) => true,
        None => error.to_string().starts_with("error connecting"),
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => {
            let reason = format!("another transaction holds a lock for longer than one waits: {reason}");
            return StoreError::Unavailable { store, reason };
        }
        // Connections, resources, an operator's intervention, the system, and what another transaction was preferred to.
        Some(code) => ["08", "40", "53", "57", "58"].iter().any(|class| code.code().starts_with(class)),
    };
    if unavailable { StoreError::Unavailable { store, reason } } else { StoreError::Failed { store, reason } }
}

/// It cannot be reached, or is too busy.
pub(crate) fn unavailable(store: &str, what: impl fmt::Display) -> StoreError {
    StoreError::Unavailable { store: store.to_owned(), reason: what.to_string() }
}

/// What the database holds, or was asked to hold, is not what this crate writes.
pub(crate) fn damaged(store: &str, what: impl fmt::Display) -> StoreError {
    StoreError::Failed { store: store.to_owned(), reason: what.to_string() }
}

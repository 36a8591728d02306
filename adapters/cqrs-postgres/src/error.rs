//! Converts PostgreSQL's errors to those of the runtime.

use std::fmt;

use cqrs_core::log::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Why a database could not be opened as a log or as views.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is invalid.
    #[error("invalid URL of the database: {0}; expected `postgres://user:password@host:port/database`")]
    Url(String),
    /// The schema's name is invalid.
    #[error("invalid schema name `{0}`: it must have 1 to 63 bytes and not begin with `pg_`; choose another name")]
    Schema(String),
    /// The server is too old.
    #[error("{store} cannot be opened: its server is PostgreSQL {found}; update it to version 13 or later")]
    TooOld {
        /// The store and its address.
        store: String,
        /// The server's version.
        found: String,
    },
    /// The database is not in UTF-8.
    #[error(
        "{store} cannot be opened: its encoding {found} cannot hold every text; create the database with `ENCODING \
         'UTF8' TEMPLATE template0`"
    )]
    Encoding {
        /// The store and its address.
        store: String,
        /// The database's encoding.
        found: String,
    },
    /// A pooler distributes the statements of one session over several connections to the server.
    #[error(
        "{store} cannot be opened: it is behind a pooler that gives each transaction, or each statement, another \
         connection (PgBouncer's `pool_mode = transaction`), so locks, notifications and prepared statements of a \
         session are lost; connect to the server itself, or to a pool with `pool_mode = session`"
    )]
    Pooled {
        /// The store and its address.
        store: String,
    },
    /// The schema has a table with a reserved name that this crate did not create.
    #[error(
        "{store} cannot be opened: it has a table `{table}` that this crate did not create; choose another schema, \
         or rename the table"
    )]
    Foreign {
        /// The store and its address.
        store: String,
        /// The table.
        table: String,
    },
    /// A newer version of this crate has migrated the schema.
    #[error(
        "{store} cannot be opened: it has schema version {found}, written by a newer cqrs-postgres, and this program \
         supports {known} at most; update this program"
    )]
    Newer {
        /// The store and its address.
        store: String,
        /// The schema's version.
        found: i64,
        /// The newest version that this program supports.
        known: i64,
    },
    /// The schema is of an older version, and the role is not allowed to migrate it.
    #[error(
        "{store} cannot be opened: it has schema version {found}, this program needs {needed}, and its role may not \
         migrate the schema ({reason}); open the log once with the URL of the schema's owner, then run this crate's \
         `sql/writer.sql` and `sql/reader.sql` again"
    )]
    Older {
        /// The store and its address.
        store: String,
        /// The schema's version.
        found: i64,
        /// The version that this program needs.
        needed: i64,
        /// The server's error.
        reason: String,
    },
    /// Any other error of PostgreSQL or the network.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The same as [`Display`](fmt::Display), because `main` prints the errors that it returns with
/// `Debug`.
impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text of an error. The server's own message comes first.
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

/// Whether the connection is lost or unusable.
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
    // A hot standby returns this after a failover: the primary is another server.
    fatal || *error.code() == SqlState::READ_ONLY_SQL_TRANSACTION
}

fn source_is_io(error: &Error) -> bool {
    use std::error::Error as _;
    error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// Converts an error of any statement but `COMMIT`: nothing was changed.
pub(crate) fn store_error(store: &str, error: &Error) -> StoreError {
    let (store, reason) = (store.to_owned(), reason(error));
    let unavailable = match error.code() {
        _ if is_lost(error) => true,
        None => error.to_string().starts_with("error connecting"),
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => {
            let reason = format!("timed out waiting for a lock that another transaction holds: {reason}");
            return StoreError::Unavailable { store, reason };
        }
        // Connections, resources, an operator's intervention, the system, and conflicts with other
        // transactions.
        Some(code) => ["08", "40", "53", "57", "58"].iter().any(|class| code.code().starts_with(class)),
    };
    if unavailable { StoreError::Unavailable { store, reason } } else { StoreError::Failed { store, reason } }
}

/// The error for a server that cannot be reached or is too busy.
pub(crate) fn unavailable(store: &str, what: impl fmt::Display) -> StoreError {
    StoreError::Unavailable { store: store.to_owned(), reason: what.to_string() }
}

/// The error for data that this crate did not write, or cannot write.
pub(crate) fn damaged(store: &str, what: impl fmt::Display) -> StoreError {
    StoreError::Failed { store: store.to_owned(), reason: what.to_string() }
}

//! Event log and read models of [`cqrs-runtime`](https://docs.rs/cqrs-runtime) in one `SQLite` file.
//!
//! ```no_run
//! use cqrs_runtime::App;
//! use cqrs_sqlite::SqliteLog;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let app = App::builder().log(SqliteLog::open("shop.db").await?).build().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Storage
//!
//! The file is in write-ahead mode. Every commit is on disk before it is acknowledged
//! ([`Synchronous::Full`]). One connection of the process writes, under a fair lock, and waits for
//! other processes without blocking a thread. Readers have their own connections, which are
//! read-only. Several processes may share one file.
//!
//! All tables of this crate are named `cqrs_..`:
//!
//! | table | holds |
//! | --- | --- |
//! | `cqrs_events` | the events, by position |
//! | `cqrs_event_tags` | the tags of events: an aggregate is one range of this table |
//! | `cqrs_commands` | the records of commands with an id |
//! | `cqrs_view_order_summary@6f1d..` | the view `OrderSummary` in one version of the program: a row for each key, with an indexed column for each `#[index]` field |
//! | `cqrs_checkpoints`, `cqrs_parked`, `cqrs_shapes` | progress of projections, parked keys, the shapes of views |
//! | `cqrs_snapshots` | snapshots of aggregates that opted in: a cache, which may be emptied at any time |
//! | `cqrs_leases` | which process runs which projection, for views in a file of their own; each such process also holds a lock on a file `..-process-..` next to it |
//! | `cqrs_names`, `cqrs_schema` | the names of events, tags and policies in use; the schema version |
//!
//! Other tables in the file belong to the application. A workflow or an async projection writes
//! them through `&mut Tx<Sqlite>` ([`Transaction`]); a query reads them through `Reader<Sqlite>`
//! ([`SqliteReader`]). The application's SQL may read the tables above:
//! `App::stored_as` returns the name of this program's version of a
//! view.
//!
//! # Views in a file of their own
//!
//! [`SqliteViews`] is a read database separate from the log's (level 2). Its file has the same
//! tables, but those for events stay empty. It commits with [`Synchronous::Normal`]: views that a
//! power failure loses are folded again from the log. Processes that share it use `cqrs_leases` to
//! decide which of them runs which projection.
//!
//! # How a batch is appended
//!
//! One prepared statement inserts each row, and one transaction holds the batch. `cargo bench -p
//! cqrs-sqlite` compares this with one `INSERT` of many rows and with one `INSERT .. SELECT` from a
//! JSON array, on batches of 1, 32 and 512 events.
//!
//! # Restoring a backup
//!
//! You may replace the log's file with a backup while programs have it open: remove its `-wal` and
//! `-shm` together with the old file. The programs notice before their next read or write, and open
//! the new file. If the file is missing or empty, or has the `-wal` of another file, calls fail with
//! [`Unavailable`](cqrs_core::store_error::StoreError::Unavailable). Never overwrite the content of a
//! file that a program has open: no program can detect that (see "How To Corrupt An SQLite Database
//! File" in SQLite's documentation).
//!
//! # Limits
//!
//! Processes on different machines cannot share a file on a network file system. A handler's
//! statements run on the thread that calls them.

#![warn(missing_debug_implementations)]

mod commands;
mod connect;
mod contents;
mod error;
mod events;
mod filter;
mod guard;
mod leases;
mod log;
mod names;
mod options;
mod place;
#[cfg(test)]
mod plans;
mod pool;
mod presence;
mod query;
mod rows;
mod schema;
mod search;
mod shared;
mod snapshots;
mod sql;
mod transaction;
mod views;
mod writer;

pub use error::OpenError;
pub use log::{SqliteLog, SqliteLogBuilder};
pub use options::Synchronous;
pub use pool::SqliteReader;
pub use rusqlite;
pub use transaction::{Sqlite, Transaction};
pub use views::{SqliteViews, SqliteViewsBuilder};

//! Event log and read models of [`cqrs_runtime`] in one `SQLite` file.
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
//! # What is kept how
//!
//! The file is in write-ahead mode, and every commit is on the disk before it is acknowledged
//! ([`Synchronous::Full`]). One connection of the process writes, under a fair lock, and waits for other processes without
//! blocking a thread; readers have connections of their own that the database itself holds read-only. Several processes may share
//! one file.
//!
//! Every table of this crate is named `cqrs_..`:
//!
//! | table | holds |
//! | --- | --- |
//! | `cqrs_events` | the events, by position |
//! | `cqrs_event_tags` | which tag stands in which event: an aggregate is one range of this table |
//! | `cqrs_commands` | what is remembered of commands that came with an id |
//! | `cqrs_view_order_summary@6f1d..` | the view `OrderSummary` as one version of the program has it: a row a key, with a column, and an index, for each `#[index]` field |
//! | `cqrs_checkpoints`, `cqrs_parked`, `cqrs_shapes` | how far projections have come, parked keys, the shapes of views |
//! | `cqrs_snapshots` | states of aggregates that opted in: a cache, which may be emptied at any time |
//! | `cqrs_leases` | which process runs which projection, where views have a file of their own; next to it is a file `..-process-..` for each such process, which it holds locked |
//! | `cqrs_schema` | the version of all this |
//!
//! Other tables in the file are the application's own: a workflow or an async projection writes them through `&mut Tx<Sqlite>`
//! ([`Transaction`]), a query reads them through `Reader<Sqlite>` ([`SqliteReader`]). SQL of the application's may read the tables above:
//! [`App::stored_as`](cqrs_runtime::App::stored_as) says which version of a view is this program's.
//!
//! # Views in a file of their own
//!
//! [`SqliteViews`] is a read database beside the log's (level 2). It is a file of the same make, whose tables of events stay empty, and
//! commits with [`Synchronous::Normal`]: what a loss of power takes is folded from the log again. Processes that share it
//! agree through `cqrs_leases` who runs which projection.
//!
//! # How a batch is appended
//!
//! By one prepared statement a row, all in one transaction. `cargo bench -p cqrs-sqlite` compares this with one `INSERT` of
//! many rows and with one `INSERT .. SELECT` from a JSON array, on batches of 1, 32 and 512 events.
//!
//! # A backup in the place of the file
//!
//! A backup may be put in the place of the log's file while programs have it open: remove the old file's `-wal` and `-shm` with it. The
//! programs notice before they read or write next, and open the new file. Where there is no file, an empty one, or one with a `-wal` that is
//! not its own, calls fail with [`Unavailable`](cqrs_runtime::log::StoreError::Unavailable). The content of a file must not be written over
//! while a program has it open: no program can notice that (see "How To Corrupt An SQLite Database File" in SQLite's documentation).
//!
//! # Limits
//!
//! A file on a network file system cannot be shared by processes of different machines. Statements of a handler run on the thread
//! that calls them.

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

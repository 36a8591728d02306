//! Event log and read models of [`cqrs_runtime`] in PostgreSQL, version 13 and later.
//!
//! ```no_run
//! use cqrs_postgres::PostgresLog;
//! use cqrs_runtime::App;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let log = PostgresLog::builder("postgres://shop@db.example.org/shop").schema("shop").open().await?;
//! let app = App::builder().log(log).build().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is kept how
//!
//! A log lives in one schema of a database, and another log may live in the next. Whoever appends holds the log's one advisory lock from
//! before it learns the head until after its commit, so that positions are in the order of commits, whichever process made them.
//! One connection of the process appends, one more saves snapshots, if there are any; readers have connections of their own that the server holds read-only. Every commit is
//! on the disk before it is acknowledged (`synchronous_commit` is `on`, or `remote_apply` where that is the server's default,
//! and no handler can turn it off for longer than its own statements). Snapshots alone do not wait for the disk: they are a cache,
//! and no command waits for them.
//!
//! Every table of this crate is named `cqrs_..`:
//!
//! | table | holds |
//! | --- | --- |
//! | `cqrs_events` | the events, by position |
//! | `cqrs_event_tags` | which tag stands in which event: an aggregate is one range of its index |
//! | `cqrs_commands` | what is remembered of commands that came with an id |
//! | `cqrs_view_order_summary@6f1d..` | the view `OrderSummary` as one version of the program has it: a row a key, with a column, and an index, for each `#[index]` field |
//! | `cqrs_checkpoints`, `cqrs_parked`, `cqrs_shapes` | how far projections have come, parked keys, the shapes of views |
//! | `cqrs_marks` | the commits of the last day that had no events, to be looked up when an answer was lost |
//! | `cqrs_snapshots` | the last snapshot of each aggregate that has opted in |
//! | `cqrs_leases` | which process runs which projection, where views have a schema of their own |
//! | `cqrs_schema` | the version of all this |
//!
//! Other tables are the application's own: a workflow or an async projection writes them through `&mut Tx<Postgres>`
//! ([`Transaction`]), a query reads them through `Reader<Postgres>` ([`PostgresReader`]). SQL of the application's may read the tables
//! above: [`App::stored_as`](cqrs_runtime::App::stored_as) says which version of a view is this program's. `data` and `meta` are JSON in columns of type `text`, so `data::jsonb ->> 'order'`. They are `text` because a log has to give back
//! what it was given, byte for byte: `jsonb` sorts keys, rounds what `numeric` cannot hold, and takes no `\u0000`. It is also slower:
//! on 600,000 events of 130 bytes, storing them took 2.2 s as `text`, 2.4 s as `json` and 3.6 s as `jsonb`, and reading them all
//! 0.23, 0.20 and 0.43 s.
//!
//! Texts are compared byte by byte (`COLLATE "C"`), whatever the database's own order is. The byte 0, which PostgreSQL cannot hold, is
//! stored as two bytes 1, and a byte 1 as 1 and 2. What stands in an index and is longer than 1,000 bytes stands there by its start and
//! a digest of the whole: it is found as any other, and sorted by its first 900 bytes.
//!
//! # What it costs
//!
//! A transaction is few flights to the server and back, whatever it writes: one takes the lock and learns the head, the checkpoints and
//! the parked keys; one looks up command ids, if there are any; one for each view that is touched reads its rows; and a last one carries
//! events, rows, checkpoints and the commit.
//! `cargo bench -p cqrs-postgres` compares batches of 32 and 512 events with 32 clients that insert and commit one event each, without any order: on two
//! cores, some 0.9 and 5 times as many events a second (8,700 plain inserts, 7,900 in batches of 32, 43,500 in batches of 512).
//!
//! One aggregate costs what its own events cost: a range of the index by tag, and a step in the primary key for each event, in a log of
//! any size. A GIN index on an array of tags would make appends cheaper (7 µs an event against 20), and was not taken, since it
//! knows no order: with 600,000 events, one aggregate of five took 3 to 85 ms by it, as the planner guessed, and 0.1 ms by
//! the index by tag.
//!
//! # When the connection is lost
//!
//! Before the commit is sent, nothing has happened: [`Unavailable`](cqrs_runtime::log::StoreError::Unavailable), and the next transaction connects anew. If the
//! answer to a commit is lost, the log looks, on a new connection and under the lock, whether the last event of the transaction
//! stands at its place, and so knows. Only when the server stays away for as long as the
//! [`lock_timeout`](PostgresLogBuilder::lock_timeout) is the outcome [`Unknown`](cqrs_runtime::log::StoreError::Unknown): a command with an id may then be sent
//! again.
//!
//! The server's end of a lost connection may not have noticed, and hold the lock. The next connection of the same process ends
//! it, so far as it holds the lock; otherwise the server does so itself, after
//! [`idle_timeout`](PostgresLogBuilder::idle_timeout) at the latest.
//!
//! # Roles
//!
//! Two scripts in this crate's folder `sql` say what roles need: `writer.sql` for the program that appends (it can add events, and neither change
//! nor remove one), and `reader.sql` for its [`reader_url`](PostgresLogBuilder::reader_url). A version of this crate that brings new tables
//! is opened by the owner once, and then both scripts are run again.
//!
//! # Limits
//!
//! Not behind a pooler that changes connections between transactions or statements (`PgBouncer`'s `pool_mode = transaction`), which
//! [`OpenError::Pooled`] refuses; one with `pool_mode = session` is a server. Removing what is remembered of commands
//! (`App::forget_commands`) needs a role that may delete from `cqrs_commands`, as the owner's may. A
//! workflow that takes `&mut Tx<Postgres>` holds the log's lock for as long as it runs. A failover to a standby that lags
//! loses what the standby lacks: make it synchronous.

mod commands;
mod commit;
mod connect;
mod connection;
mod contents;
mod error;
mod events;
mod filter;
mod guard;
mod handle;
mod leases;
mod lock;
mod log;
mod names;
mod notifications;
mod options;
#[cfg(test)]
mod plans;
mod pool;
mod pooler;
mod presence;
mod query;
mod rows;
mod schema;
mod shared;
mod snapshots;
mod sql;
mod text;
mod transaction;
mod views;
mod watch;
mod writer;

pub use error::OpenError;
pub use handle::{Handle, Runnable, SqlError};
pub use log::{PostgresLog, PostgresLogBuilder};
pub use notifications::News;
pub use pool::PostgresReader;
pub use tokio_postgres;
pub use transaction::{Postgres, Transaction};
pub use views::{PostgresViews, PostgresViewsBuilder};

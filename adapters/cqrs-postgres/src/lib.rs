//! Event log and read models of [`cqrs-runtime`](https://docs.rs/cqrs-runtime) in PostgreSQL, version 13 and later.
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
//! # Storage
//!
//! A log is stored in one schema of a database; other schemas may hold other logs. A process that
//! appends holds the log's advisory lock from before it reads the head until after its commit. So
//! positions are in the order of commits, for all processes.
//!
//! One connection of a process appends, and another one saves snapshots, if there are any. Readers
//! have their own connections, which are read-only. Every commit is on disk before it is
//! acknowledged: `synchronous_commit` is `on`, or `remote_apply` if that is the server's default,
//! and a handler can turn it off only for its own statements. Only snapshots do not wait for the
//! disk: they are a cache, and no command waits for them.
//!
//! All tables of this crate are named `cqrs_..`:
//!
//! | table | holds |
//! | --- | --- |
//! | `cqrs_events` | the events, by position |
//! | `cqrs_event_tags` | the tags of events: an aggregate is one range of its index |
//! | `cqrs_commands` | the records of commands with an id |
//! | `cqrs_view_order_summary@6f1d..` | the view `OrderSummary` in one version of the program: a row for each key, with an indexed column for each `#[index]` field |
//! | `cqrs_checkpoints`, `cqrs_parked`, `cqrs_shapes` | progress of projections, parked keys, the shapes of views |
//! | `cqrs_marks` | the last day's commits without events, to look them up if an answer is lost |
//! | `cqrs_snapshots` | the last snapshot of each aggregate that has opted in |
//! | `cqrs_leases` | which process runs which projection, for views in a schema of their own |
//! | `cqrs_names`, `cqrs_schema` | the names of events, tags and policies in use; the schema version |
//!
//! Other tables belong to the application. A workflow or an async projection writes them through
//! `&mut Tx<Postgres>` ([`Transaction`]); a query reads them through `Reader<Postgres>`
//! ([`PostgresReader`]). The application's SQL may read the tables above:
//! `App::stored_as` returns the name of this program's version of a
//! view.
//!
//! `data` and `meta` are JSON in columns of type `text`: write `data::jsonb ->> 'order'`. A log
//! must return exactly the bytes that it was given, but `jsonb` sorts keys, rounds what `numeric`
//! cannot hold, and does not accept `\u0000`. It is also slower: storing 600,000 events of 130
//! bytes took 2.2 s as `text`, 2.4 s as `json` and 3.6 s as `jsonb`; reading them all took 0.23,
//! 0.20 and 0.43 s.
//!
//! Texts are compared byte by byte (`COLLATE "C"`), regardless of the database's collation.
//! PostgreSQL cannot hold the byte 0: it is stored as two bytes 1, and a byte 1 as 1 and 2. An
//! indexed text of more than 1,000 bytes is stored as its start and a digest: it is found like any
//! other, and sorted by its first 900 bytes.
//!
//! # Performance
//!
//! A transaction needs few round trips, for any number of writes. The first acquires the lock and
//! reads the head, the checkpoints and the parked keys. One looks up command ids, if there are any.
//! One for each view that is touched reads its rows. The last one sends events, rows, checkpoints
//! and the commit.
//!
//! `cargo bench -p cqrs-postgres` compares batches of 32 and 512 events with 32 clients that each
//! insert and commit one event without any order. On two cores, batches store about 0.9 and 5 times
//! as many events per second: 8,700 plain inserts, 7,900 in batches of 32, 43,500 in batches of
//! 512.
//!
//! Loading an aggregate reads only its own events, in a log of any size: a range of the index by
//! tag, and a step in the primary key for each event. A GIN index on an array of tags would make
//! appends cheaper (7 µs per event instead of 20), but it has no order. With 600,000 events, an
//! aggregate of five took 3 to 85 ms with it, depending on the planner, and 0.1 ms with the index
//! by tag.
//!
//! # Lost connections
//!
//! If the connection is lost before the commit is sent, nothing has happened: the call fails with
//! [`Unavailable`](cqrs_core::store_error::StoreError::Unavailable), and the next transaction
//! reconnects. If the answer to a commit is lost, the log checks, on a new connection and under the
//! lock, whether the last event of the transaction is stored. Only if the server stays unreachable
//! for the [`lock_timeout`](PostgresLogBuilder::lock_timeout) is the outcome
//! [`Unknown`](cqrs_core::store_error::StoreError::Unknown): then a command with an id can be sent
//! again.
//!
//! The server process of a lost connection may not notice, and keep the lock. The next connection
//! of the same client process ends it if it holds the lock. Otherwise the server ends it after the
//! [`idle_timeout`](PostgresLogBuilder::idle_timeout) at the latest.
//!
//! # Roles
//!
//! The folder `sql` of this crate has two scripts with the rights of roles: `writer.sql` for the
//! program that appends (it can add events, but not change or remove any), and `reader.sql` for the
//! [`reader_url`](PostgresLogBuilder::reader_url). After an update of this crate that adds tables,
//! open the log once as the owner, then run both scripts again.
//!
//! # Limits
//!
//! It does not work behind a pooler that changes connections between transactions or statements
//! (`PgBouncer`'s `pool_mode = transaction`): [`OpenError::Pooled`] refuses it. `pool_mode =
//! session` works. `App::forget_commands` needs a role that may delete from `cqrs_commands`, such
//! as the owner. A workflow that takes `&mut Tx<Postgres>` holds the log's lock while it runs. A
//! failover to a standby that lags loses events that it lacks: use synchronous replication.

#![warn(missing_debug_implementations)]

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

//! What an adapter of [`cqrs-runtime`](https://docs.rs/cqrs-runtime) implements and takes: the event log, the view store, and the
//! vocabulary of both.
//!
//! Domain code needs only `cqrs-runtime`, which re-exports all of this under its own names.
//!
//! # Writing an adapter
//!
//! - A log implements [`EventLog`](log::EventLog) and [`LogTransaction`](log::LogTransaction). Everything else rests on one rule:
//!   **commit order is position order**. An appender holds the log's one lock from before it reads the head until after its commit, so
//!   a reader who has seen position *p* never meets a smaller one later.
//! - A read database implements [`ViewStore`](view::ViewStore) and [`ViewTransaction`](view::ViewTransaction).
//!   [`view::buffer`] has a transaction for stores that have none.
//! - Snapshots are kept by a [`SnapshotStore`](snapshot::SnapshotStore).
//! - [`memory`] has an example of each.
//! - [`secrets`] takes passwords out of texts that are shown.
//!
//! Crate `cqrs-conformance` tests each of them.
//!
//! # Features
//!
//! - `schema`: [`Timestamp`] and [`Date`](time::Date) implement `schemars::JsonSchema`.

#![warn(missing_debug_implementations, missing_docs)]

pub mod column;
pub mod database;
#[doc(hidden)]
pub mod debug;
pub mod event;
#[doc(hidden)]
pub mod event_list;
#[doc(hidden)]
pub mod fnv;
pub mod id;
#[doc(hidden)]
pub mod json;
pub mod log;
pub mod memory;
pub mod meta;
#[doc(hidden)]
pub mod panics;
pub mod position;
pub mod random;
pub mod secrets;
#[doc(hidden)]
pub mod shape;
pub mod snapshot;
pub mod store_error;
pub mod time;
pub mod trace_context;
pub mod view;

pub use database::{Database, Tx};
pub use id::Tag;
pub use meta::{CommandId, Meta};
pub use position::{Bookmark, Position};
pub use time::Timestamp;
pub use uuid::Uuid;

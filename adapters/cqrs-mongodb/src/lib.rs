//! Read models of [`cqrs-runtime`](https://docs.rs/cqrs-runtime) in MongoDB, 4.4 or later: a read database of its own (level 2).
//!
//! ```no_run
//! use cqrs_mongodb::MongoViews;
//! use cqrs_runtime::App;
//! use cqrs_runtime::log::MemoryLog;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let views = MongoViews::builder("mongodb://localhost/shop").prefix("read.").open().await?;
//! let app = App::builder().log(MemoryLog::new()).views(views).build().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The events stay in a log with stronger guarantees. Data that the server loses is folded again
//! from the log: an empty database is filled.
//!
//! This crate was developed and tested only against a wire-compatible server
//! ([SecantusDB](https://pypi.org/project/SecantusDB/)), never against MongoDB itself. It needs no
//! replica set: it only relies on the atomic replacement of a single document. SecantusDB 0.7
//! sometimes violates that while collections are created or dropped: there, do not let several
//! processes create their views at the same time.
//!
//! # Storage
//!
//! The name of every collection begins with the store's prefix. Default: `cqrs.`
//! ([`MongoViewsBuilder::prefix`]).
//!
//! | collection | holds |
//! | --- | --- |
//! | `cqrs.state` | one document: the collection of each view, checkpoints, parked keys, and which process runs which projection |
//! | `cqrs.OrderSummary@6f1d...1790000000000` | the rows of one version of a view, one document for each |
//!
//! Rows are easy to read in the server's shell or in Compass:
//!
//! ```json
//! {
//!   "_id": "0198c0de-..",
//!   "position": 4711,
//!   "indexes": { "customer": "0198c0df-..", "created_at": 1790000000000000 },
//!   "document": { "order": "0198c0de-..", "customer": "0198c0df-..", "lines": [ { "price": 1250 } ], "status": "Shipped" }
//! }
//! ```
//!
//! `document` is the view as its `Serialize` writes it. If a document would not give exactly the
//! same JSON again, it is the text of that JSON instead: if the view is not an object, has a number
//! outside the signed 64-bit range, a field name that is empty, begins with `$` or contains a dot,
//! or more than 90 levels of nesting. Both are read in the same way. `indexes` has the values of
//! the `#[index]` fields.
//!
//! A removed row leaves a mark, which has `forget` instead of `indexes` and `document`. `views` in
//! `cqrs.state` names a view's collection. A view that is cleared or rebuilt gets a new collection,
//! which replaces the old one in one step. The old one is dropped.
//!
//! # How a batch is written
//!
//! It needs no server transactions, which a single server does not have. Rows come first, some
//! hundreds per call, and none replaces a later row: the server compares the positions. Everything
//! else comes last and in one step, because it is in the one document `cqrs.state`. That document
//! is read, changed, and replaced if no other process has changed it and the tokens of the leases
//! are still the newest. The write counts only when it and all earlier writes are on the disks of
//! most servers (write concern `majority`, journaled).
//!
//! A process that dies in between gets the same events again, and skips those that a row's position
//! already covers. So a reader may see some rows of a batch before others.
//!
//! The server's clock (`$$NOW`) decides when a lease runs out. A process may stall for up to a day
//! between checking its lease and writing its rows: marks are kept for at least that long, and a
//! dropped collection is dropped again after that time, in case a stalled process has written to
//! it.
//!
//! # Searches
//!
//! Each `#[index]` field has a server index, which also contains the key, so filters by such fields
//! use it. A search sorted by one field in ascending order reads its index. In descending order, or
//! by several fields, the server sorts all rows that match the filter, although it keeps only a
//! page of them: keep filters narrow. After each search the store checks that the view still has
//! the same collection, which is a second round trip. All reads go to the primary.
//!
//! # Limits
//!
//! - A document has at most 16 megabytes: that limits a row, and also `cqrs.state`. The latter
//!   holds some ten thousands of parked keys. A commit that parks more fails, and its projections
//!   stop. A search for more than 16 megabytes of values fails too.
//! - A view has at most 62 `#[index]` fields.
//! - There are no transactions, so no `Tx<Db>`: an app with an async projection needs another read
//!   database, or `App::build` fails (CQRS803). There is no `Reader<Db>` either.
//! - The user needs the rights to read and write, and to create and drop collections and their
//!   indexes: the role `readWrite` of the database.
//! - `tls=true` in the URL encrypts connections (with rustls). `mongodb+srv://` URLs need the
//!   feature `srv`, which adds a DNS client.

#![warn(missing_debug_implementations)]

mod commit;
mod connect;
mod document;
mod error;
mod options;
mod row;
mod search;
mod state;
mod store;
mod views;

pub use error::OpenError;
pub use mongodb;
pub use options::MongoViewsBuilder;
pub use views::MongoViews;

//! Read models of [`cqrs-runtime`](https://docs.rs/cqrs-runtime) in Redis, 6.2 or later: a read database of its own (level 2).
//!
//! ```no_run
//! use cqrs_redis::RedisViews;
//! use cqrs_runtime::App;
//! use cqrs_runtime::log::MemoryLog;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let views = RedisViews::builder("redis://localhost/").prefix("shop:").open().await?;
//! let app = App::builder().log(MemoryLog::new()).views(views).build().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The events stay in a log with stronger guarantees. Data that Redis loses is folded again from the
//! log: an empty server is filled, and a server that lost its last writes catches up.
//!
//! # Storage
//!
//! Every key begins with the store's prefix. Default: `cqrs:` ([`RedisViewsBuilder::prefix`]).
//!
//! | key | holds |
//! | --- | --- |
//! | `views`, `shapes` | hashes: the place of each view's rows, and the fingerprint of its shape; each version of a view has its own name, such as `OrderSummary@6f1d..` |
//! | `place:7.2:row:KEY` | a hash for each row: position, document, and the values of the `#[index]` fields |
//! | `place:7.2:keys` | a sorted set: the keys of the rows |
//! | `place:7.2:index:0` | a sorted set for each `#[index]` field: value and key of each row, sorted by value |
//! | `place:7.2:marks` | a sorted set: the keys of removed rows whose position is still kept |
//! | `checkpoints`, `parked` | hashes: progress of projections, and parked keys |
//! | `lease:PROJECTION` | a hash: which process holds the lease on a projection, its token, and the run of the server |
//! | `places`, `pending`, `garbage` | places: the number of the last one, those being filled, those being deleted |
//!
//! The name of a place has a number and the number of its indexes. A view that is cleared or
//! rebuilt gets a new place. It replaces the old one in one step, and the old one is deleted
//! gradually afterwards.
//!
//! # How a batch is written
//!
//! Lua scripts write a batch, and each first checks the tokens of the leases. Rows come first, some
//! hundreds per call, and none replaces a later row: a removed row keeps its position until the
//! checkpoint has passed it and the lease of its time has run out. Parked keys, checkpoints and
//! views that replace others come last, in one call. A process that dies in between gets the same
//! events again, and skips those that a row's position already covers. So a reader may see some
//! rows of a batch before others.
//!
//! Redis's own clock decides when a lease runs out. A lease also ends when its server restarts or
//! fails over to a replica: then the projection reads its checkpoint again.
//!
//! # Searches
//!
//! A search is one script, so it sees all rows at the same moment. Each condition is a range of its
//! index, and rows outside of it cost nothing. If several conditions must hold, the narrowest is
//! fetched, and wide ones are only checked for the remaining rows.
//!
//! Redis does nothing else during a search. All rows that match the filter are sorted before a page
//! is taken, except all rows in the order of their keys or of one index. Keep conditions narrow: a
//! search that sorts a hundred thousand rows blocks all other clients for about a second.
//!
//! # Limits
//!
//! - One server, which may have replicas: a cluster or a replica is refused on opening.
//! - The server must not drop keys to save memory: `allkeys-..` policies are refused. `volatile-..`
//!   policies keep rows, because rows do not expire.
//! - There are no transactions, so no `Tx<Db>` and no `Reader<Db>`: an app with an async projection
//!   needs another read database.
//! - The user needs the rights to run scripts, `INFO` and `TIME`, and to read and write keys with
//!   the prefix.
//! - Connections are not encrypted, unless the program enables a TLS feature of [`redis`] and opens
//!   a `rediss://` URL.

#![warn(missing_debug_implementations)]

mod commit;
mod encode;
mod error;
mod options;
mod parked;
mod scripts;
mod search;
mod store;
mod views;

pub use error::OpenError;
pub use options::RedisViewsBuilder;
pub use redis;
pub use views::RedisViews;

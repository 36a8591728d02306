//! Read models of [`cqrs_runtime`] in Redis, 6.2 or later: a read database of its own (level 2).
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
//! The events stay in a log that can be trusted with them. What Redis loses is folded from it again: a server that is
//! empty is filled anew, and one that comes back without what it acknowledged last is caught up.
//!
//! # What is kept how
//!
//! Every key begins with the store's prefix, `cqrs:` unless said otherwise ([`RedisViewsBuilder::prefix`]):
//!
//! | key | holds |
//! | --- | --- |
//! | `views`, `shapes` | hashes: the place of each view's rows, and the fingerprint of its shape. Each version of a view is one of its own, `OrderSummary@6f1d..` |
//! | `place:7.2:row:KEY` | a hash for each row: position, document, and the values of the `#[index]` fields |
//! | `place:7.2:keys` | a sorted set: the keys of the rows that are there |
//! | `place:7.2:index:0` | a sorted set for each `#[index]` field: value and key of each row, in the order of the values |
//! | `place:7.2:marks` | a sorted set: the keys of removed rows whose position is still kept |
//! | `checkpoints`, `parked` | hashes: how far projections have come, and parked keys |
//! | `lease:PROJECTION` | a hash: which process runs a projection, under which token, on which run of the server |
//! | `places`, `pending`, `garbage` | places: the last one's number, those that are being filled, those that are being deleted |
//!
//! A place is named by a number and by how many indexes it has. A view that is emptied or built anew gets another
//! place, which becomes its own in one step; the old one is deleted bit by bit after that.
//!
//! # How a batch is written
//!
//! By Lua scripts, each of which first checks the leases' tokens. The rows come first, some hundreds a call, and none
//! over a later one: a removed row leaves its position behind until the checkpoint has passed it and the lease of its
//! time has run out. Parked keys, checkpoints and views that take another's place come last, in one call. Whoever dies
//! in between has the same events again, and what a row's position says that it holds is passed over. A reader may thus
//! see some rows of a batch before others.
//!
//! Redis's own clock tells when a lease runs out. A lease also ends with the run of the server that gave it: after a
//! restart, or a fail-over to a replica, the runner looks again where it stands.
//!
//! # Searches
//!
//! A search is one script, so it sees all rows at one moment. Each condition is a range of its index: rows outside of
//! it cost nothing. Of several conditions that have to hold together the narrowest is fetched, and wide ones are only
//! asked about the rows that are left.
//!
//! But Redis does nothing else meanwhile, and all that a filter finds is sorted before a page is taken of it, unless
//! all rows are asked for in the order of their keys, or of one index. Let conditions be narrow: a search that sorts a
//! hundred thousand rows holds everybody up for a second or so.
//!
//! # Limits
//!
//! - One server, which may have replicas: a cluster, and a replica itself, are refused when they are opened.
//! - The server must not drop keys to save memory: a policy of `allkeys-..` is refused. Rows have no time to live, so `volatile-..`
//!   leaves them alone.
//! - There are no transactions, so no `Tx<Db>` and no `Reader<Db>`: an app with an async projection needs another read database.
//! - The user needs to run scripts, to ask for `INFO` and `TIME`, and to read and write keys of the prefix.
//! - Connections are not encrypted, unless the program switches on a TLS feature of [`redis`] and opens a `rediss://` URL.

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

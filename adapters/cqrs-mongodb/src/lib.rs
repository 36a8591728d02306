//! Read models of [`cqrs_runtime`] in MongoDB, 4.4 or later: a read database of its own (level 2).
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
//! The events stay in a log that can be trusted with them. What the server loses is folded from it again: a database that is
//! empty is filled anew.
//!
//! This crate's tests run against a wire-compatible server ([SecantusDB](https://pypi.org/project/SecantusDB/)) where no `mongod`
//! is installed, and it was developed with that alone. It needs nothing that a single server without a replica set lacks, but that the
//! replacement of one document is one step. SecantusDB 0.7 now and then breaks that while collections are made or dropped: do not
//! let several processes make their views there at the same instant.
//!
//! # What is kept how
//!
//! The name of every collection begins with the store's prefix, `cqrs.` unless said otherwise ([`MongoViewsBuilder::prefix`]):
//!
//! | collection | holds |
//! | --- | --- |
//! | `cqrs.state` | one document: which collection holds which view, checkpoints, parked keys, and which process runs which projection |
//! | `cqrs.OrderSummary@6f1d...1790000000000` | the rows of one version of a view, a document each |
//!
//! A row is made to be looked at, with the server's shell or Compass:
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
//! `document` is the view as its `Serialize` writes it. It is stored as the text of its JSON instead where exactly that text
//! would not come out again: where it is no object, has a number beyond 64 bits with a sign, a field whose name is empty, begins with `$` or
//! has a dot in it, or is nested more than 90 levels deep. Both are read alike. `indexes` has the values of the `#[index]` fields as
//! they are compared.
//!
//! A row that was removed leaves a mark, which has `forget` in place of `indexes` and `document`. Look into `views` of `cqrs.state` for
//! a view's collection: a view that is emptied or built anew gets another one, which becomes its own in one step. The old one is
//! dropped.
//!
//! # How a batch is written
//!
//! Without transactions of the server, which a single server does not have. The rows come first, some hundreds a call, and none
//! over a later one: the server compares the positions. All else comes last and in one step, since it stands in the one document
//! `cqrs.state`: that is read, changed, and put in place of what was read, if nobody else has changed it meanwhile and the leases'
//! tokens are still the newest. It is on the disks of most servers before it counts as written, and with it all that was
//! written before (write concern `majority`, journaled). Whoever dies in between has the same events again, and what a row's
//! position says that it holds is passed over. A reader may thus see some rows of a batch before others.
//!
//! The server's own clock (`$$NOW`) tells when a lease runs out. A process that stalls between the look at its lease and its rows does no
//! harm for a day: for so long marks are kept at least, and a collection that was dropped is dropped once more after it, should
//! somebody have written to it.
//!
//! # Searches
//!
//! Each `#[index]` field has an index of the server, with the key behind it, so that filters by such fields are looked up
//! there. A search in the order of one field reads its index, from the least. One in descending order, or by several fields, is sorted
//! by the server after it has found all that the filter takes, though it keeps no more of it than a page: let the filter be
//! narrow. After each search the store looks whether the view is still where it was found, which is a second round trip; all
//! reading is done on the primary.
//!
//! # Limits
//!
//! - A row has at most 16 megabytes, as every document of the server. So has `cqrs.state`: it holds some ten thousands of parked
//!   keys, and a commit that parks more fails, so that its projections stand still. A search by more values than 16 megabytes hold fails as well.
//! - A view has at most 62 `#[index]` fields.
//! - There are no transactions, so no `Tx<Db>`: an app with an async projection needs another read database, and `App::build` says
//!   so (CQRS803). There is no `Reader<Db>` either.
//! - The user needs to read, write, and make and drop collections and their indexes: the role `readWrite` of the database.
//! - `tls=true` in the URL encrypts (with rustls). `mongodb+srv://` URLs need the feature `srv`, which brings a DNS client along.

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

//! Command bus, query bus, event log and read models for annotated domain code.
//!
//! > Annotate your domain. The compiler keeps commands and queries separate, and nothing is ever silently ignored.
//!
//! Commands decide on **aggregates**, which are folded from events, and emit new **events**. **Queries** read **views**, which
//! are folded from the same events. The macros generate registration and dispatch; this crate runs them.
//!
//! ```standalone_crate
//! use cqrs_runtime::log::MemoryLog;
//! use cqrs_runtime::prelude::*;
//!
//! #[derive(Id)]
//! pub struct OrderId(Uuid);
//!
//! // What has happened.
//! #[derive(Event, Serialize, Deserialize)]
//! pub struct OrderCreated { #[tag] order: OrderId }
//! #[derive(Event, Serialize, Deserialize)]
//! pub struct OrderShipped { #[tag] order: OrderId, tracking_number: String }
//!
//! // What is wanted, and why it may be refused.
//! #[derive(Command, Serialize, Deserialize)]
//! pub struct CreateOrder { order: OrderId }
//! #[derive(Command, Serialize, Deserialize)]
//! #[cqrs(error = AlreadyShipped)]
//! pub struct ShipOrder { order: OrderId, tracking_number: String }
//! #[derive(Debug)]
//! pub struct AlreadyShipped;
//! # impl std::fmt::Display for AlreadyShipped {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("it is shipped already") }
//! # }
//! # impl std::error::Error for AlreadyShipped {}
//!
//! // The write model: a fold over events.
//! pub struct Order { shipped: bool }
//!
//! #[aggregate(id = OrderId, on = [OrderCreated, OrderShipped])]
//! impl Order {
//!     fn created(_: &OrderCreated) -> Self { Order { shipped: false } }
//!     fn shipped(&mut self, _: &OrderShipped) { self.shipped = true }
//! }
//!
//! // Decisions: what a parameter names is what the decision is consistent over.
//! #[command]
//! fn create_order(cmd: CreateOrder, _order: Absent<Order>) -> Result<OrderCreated, std::convert::Infallible> {
//!     Ok(OrderCreated { order: cmd.order })
//! }
//!
//! #[command]
//! fn ship_order(cmd: ShipOrder, order: &Order) -> Result<OrderShipped, AlreadyShipped> {
//!     if order.shipped { return Err(AlreadyShipped) }
//!     Ok(OrderShipped { order: cmd.order, tracking_number: cmd.tracking_number })
//! }
//!
//! // The read model: another fold over the same events.
//! #[derive(View, Serialize, Deserialize)]
//! pub struct Parcel { #[key] order: OrderId, #[index] tracking_number: Option<String> }
//!
//! #[projection(on = [OrderCreated, OrderShipped])]
//! impl Parcel {
//!     fn created(event: &OrderCreated) -> Self { Parcel { order: event.order, tracking_number: None } }
//!     fn shipped(&mut self, event: &OrderShipped) { self.tracking_number = Some(event.tracking_number.clone()) }
//! }
//!
//! #[derive(Query, Serialize, Deserialize)]
//! #[cqrs(returns = Option<Parcel>)]
//! pub struct Track { tracking_number: String }
//!
//! #[query]
//! async fn track(q: Track, parcels: Views<Parcel>) -> Result<Option<Parcel>, QueryError> {
//!     parcels.find(Parcel::TRACKING_NUMBER.eq(Some(q.tracking_number))).first().await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The composition root: no list of handlers.
//! let app = App::builder().log(MemoryLog::new()).build().await?;
//! let order = OrderId::new();
//! app.commands().execute(CreateOrder { order }).await?;
//! let receipt = app.commands().execute(ShipOrder { order, tracking_number: "TN-1".into() }).await?;
//! let parcel = app.queries().after(receipt.position()).ask(Track { tracking_number: "TN-1".into() }).await?;
//! assert_eq!(parcel.map(|parcel| parcel.order), Some(order));
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! - [`guide`] starts with a program from an empty folder, and ends with the terms of other systems.
//! - [`App`] is the composition root. Its [`CommandBus`] and [`QueryBus`] are the only ways in.
//! - Handler parameters are capabilities: see [`boundary`] for those of decisions, and [`capability`] for the others.
//! - [`policy`](mod@policy) says when a policy runs, and what happens with the commands that it returns.
//! - [`log`] and [`view::store`] say what a database adapter must implement; [`log::conformance`] and [`view_conformance`] test
//!   it.
//! - [`rules`] explains each code that an error names: `[CQRS204]`.
//! - [`snapshot`] says how aggregates with long histories are loaded quickly, and when a snapshot is ignored.
//! - [`testing`] has given/when/then for decisions and views. [`mod@verify`] tests the linked program, and that stored events can
//!   still be read. [`wire`] and [`middleware`] are for transports.
//! - [`observing`] has an app's health, metrics and spans, and their traces.
//! - [`cqs`] separates commands from queries among the methods of plain objects.
//!
//! # Levels
//!
//! At **level 1** views are stored in the log's database and folded in each command's own transaction: `App::builder().log(log)`. At
//! **level 2** they are stored in a separate database, which a task of the app keeps up to date:
//! `App::builder().log(log).views(views)`. Nothing else in the program changes. A query may then lag, unless it is asked
//! [`after`](QueryBus::after) a position. [`CommandBus::awaiting`] waits until the views show a command. [`App::projections`],
//! [`App::parked`] and their neighbours show the state of the read side, and repair it.
//!
//! # Linked code is registered
//!
//! A crate that is in `Cargo.toml` but never named in source is not linked, and its handlers are missing. Write `use
//! that_crate as _;`. [`AppBuilder::build`] refuses missing, duplicate and equally named items, with file and line.
//! [`verify!`] is the same as a test.
//!
//! # Features
//!
//! - `metrics`: the app reports [metrics](observing#metrics) through the `metrics` crate.
//! - `schema`: `events.lock` contains the JSON schemas of events that derive `schemars::JsonSchema`. `#[derive(Id)]` types
//!   then implement it: see [`mod@verify`].

#![warn(missing_docs)]

extern crate self as cqrs_runtime;

pub mod aggregate;
pub mod app;
pub mod boundary;
pub mod capability;
pub mod command;
mod cqs;
mod emits;
pub mod error;
pub mod event;
mod field;
mod gate;
pub mod guide;
pub mod handler;
pub mod id;
pub mod log;
pub mod message;
pub mod meta;
pub mod middleware;
pub mod observing;
pub mod policy;
pub mod projection;
pub mod query;
pub mod registry;
#[cfg_attr(not(doctest), doc = include_str!("rules.md"))]
pub mod rules {}
pub mod secrets;
mod sequencer;
mod shape;
pub mod snapshot;
pub mod stored;
pub mod testing;
mod text;
pub mod time;
mod value;
pub mod verify;
pub mod view;
pub mod view_conformance;
pub mod wire;

pub use app::{App, AppBuilder, BuildError};
pub use boundary::{Absent, Many};
pub use capability::{Database, ReadOnly, Reader, Stale, State, Tx};
pub use command::{CommandBus, Receipt, WorkflowError};
pub use error::{CommandError, OperationError, QueryError};
pub use event::{Event, Events, Recorded};
pub use handler::{Answered, Decision, Handled, emit};
pub use id::{Id, Tag};
pub use log::{Bookmark, EventLog, Position};
pub use message::{Command, Query};
pub use meta::{CommandId, Meta};
pub use observing::{Health, TraceContext};
pub use query::QueryBus;
pub use time::{Date, Timestamp};
pub use uuid::Uuid;
pub use view::{View, Views};

pub use cqrs_macros::{
    Aggregate, Command, Event, Events, Id, Query, View, aggregate, command, cqs, policy, projection, query,
};

/// Everything that annotated domain code names: `use cqrs_runtime::prelude::*;`.
///
/// `#[derive(Serialize, Deserialize)]` generates code that names the crate `serde`, so add it to your dependencies. `cqs`,
/// for plain objects, is not included: `use cqrs_runtime::cqs;`.
pub mod prelude {
    pub use crate::{
        Absent, Aggregate, App, Command, CommandBus, CommandError, CommandId, Date, Decision, Event, Events, Id, Many,
        Meta, Position, Query, QueryBus, QueryError, ReadOnly, Reader, Receipt, Recorded, Stale, State, Timestamp, Tx,
        Uuid, View, Views, aggregate, command, emit, policy, projection, query,
    };
    pub use serde::{Deserialize, Serialize};
}

/// The names that expansions use. Not for use by hand, and free to change.
#[doc(hidden)]
pub mod __private {
    pub use crate::__id_schema as id_schema;
    pub use crate::aggregate::{Aggregate, FoldError, HasEvents, IdentityOf, decode, fold, key_of};
    pub use crate::boundary::Boundary;
    pub use crate::capability::Tx;
    pub use crate::command::CommandContext;
    pub use crate::cqs::{Seen, SeenPlain, unchanging};
    pub use crate::emits::{EventList, is_among, require_folded};
    pub use crate::event::{DecodeError, Emitted, Event, Events, RecordedEvent, TagInfo, UpcastFrom};
    pub use crate::field::{Fields, HasField, Names, NamesNothing, require_field};
    pub use crate::gate::{CommandHandler, Of, OfNothing, QueryHandler};
    pub use crate::handler::{Answering, Handling, Here};
    pub use crate::id::{Id, IdValue, ParseIdError, Tag, TagField};
    pub use crate::log::BoxFuture;
    pub use crate::message::{Command, Message, Query};
    pub use crate::policy::{
        FormerName, PolicyContext, Reacting, Reaction, Returned, ReturnedNothing, may_return, returns,
    };
    pub use crate::projection::{Basis, Fold, Handle, LookUps, Rows, handled, looked_up};
    pub use crate::query::{Eventual, QueryContext, ReadYourWrites};
    pub use crate::registry::{FieldInfo, Probe, Registration, Unless, require, same_events, same_name};
    pub use crate::snapshot::{Snapshots, snapshots};
    pub use crate::stored::{Json, NoJson};
    pub use crate::value::{Column, ColumnKind, Value};
    pub use crate::view::{Index, IndexShape, KeyField, Unindexed, View, ViewLayout};
    #[cfg(feature = "schema")]
    pub use schemars;
    pub use {inventory, serde, uuid};
}

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
//! - Handler parameters are capabilities: see [`boundary`] for those of decisions, and [`parameters`] for the others.
//! - [`policy`](mod@policy) says when a policy runs, and what happens with the commands that it returns.
//! - [`log`] and [`view::store`] say what a database adapter must implement. Crate `cqrs-conformance` tests it.
//! - [`rules`] explains each code that an error names: `[CQRS204]`.
//! - [`snapshot`] says how aggregates with long histories are loaded quickly, and when a snapshot is ignored.
//! - [`testing`] has given/when/then for decisions and views. [`mod@verify`] tests the linked program, and that stored events can
//!   still be read. [`wire`] and [`middleware`] are for transports.
//! - [`telemetry`] has an app's health, metrics and spans, and their traces.
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
//! - `metrics`: the app reports [metrics](telemetry#metrics) through the `metrics` crate.
//! - `schema`: `events.lock` contains the JSON schemas of events that derive `schemars::JsonSchema`. `#[derive(Id)]` types
//!   then implement it: see [`mod@verify`].

#![warn(missing_debug_implementations, missing_docs)]

extern crate self as cqrs_runtime;

pub mod app;
mod bus;
mod expansion;
mod fast_map;
pub mod guide;
mod model;
pub mod policy;
pub mod projection;
pub mod registry;
#[cfg_attr(not(doctest), doc = include_str!("rules.md"))]
pub mod rules {}
mod sequencer;
pub mod telemetry;
pub mod testing;
pub mod verify;

pub use crate::bus::{middleware, wire};
pub use crate::model::{message, parameters, snapshot};
#[doc(inline)]
pub use cqrs_core::{event, id, meta, secrets, time};

/// Aggregates: the write side's state, folded from events.
pub mod aggregate {
    pub use crate::model::aggregate::{Aggregate, AggregateState, FoldError, FoldRefusal, HasEvents};
}

/// A decision's consistency boundary: the aggregates that its parameters name.
pub mod boundary {
    pub use crate::model::boundary::{Absent, AggregateParameter, Identifies, Many, MayIdentify};
}

/// The errors of commands, queries and operators' calls.
pub mod error {
    pub use crate::model::error::*;
    pub use crate::model::rejection::{DomainErrorInfo, Rejecting, Rejection, RejectionCode, RejectionMember};
    pub use crate::model::remote_error::RemoteError;
}

/// Who may send messages from outside, and how they are reached.
pub mod access {
    pub use crate::model::exposure::{Access, Denied, Exposure, Principal};
}

/// What sends messages by type: an app in this process, or a client of a service.
pub mod client {
    pub use crate::model::client::{Client, SentCommand, SentQuery};
}

/// The command side: its bus, and what a command returns.
pub mod command {
    pub use crate::bus::awaiting::{AwaitingBus, Seen};
    pub use crate::bus::command::{CommandBus, Executed};
    pub use crate::bus::command_context::ServiceParameter;
    pub use crate::bus::handler::WriteCommandForeignOrQueryForeignForAMessageOfAnotherCrate;
    pub use crate::model::receipt::Receipt;
    pub use crate::model::workflow_error::WorkflowError;
}

pub mod log {
    //! The event log: one append-only sequence, read by name and tag.
    //!
    //! It follows the specification of dynamic consistency boundaries (<https://dcb.events/specification/>). An aggregate is a
    //! query on one tag, so a classic event stream needs no second mechanism.
    //!
    //! # Writing an adapter
    //!
    //! Implement [`EventLog`] and [`LogTransaction`], and run crate `cqrs-conformance` on the result. Everything else rests on one rule:
    //! **commit order is position order**. An appender holds the log's one lock from before it reads the head until after its
    //! commit, so a reader who has seen position *p* never meets a smaller one later.

    #[doc(inline)]
    pub use cqrs_core::log::*;
    #[doc(inline)]
    pub use cqrs_core::memory::MemoryLog;
}

/// What handlers return, and the traits that errors about it name.
pub mod outcome {
    pub use crate::model::outcome::{
        AnswerDeclared, AnswerError, Decision, ErrorDeclared, HandlerResult, Outcome, QueryResult, ReturnsDeclared,
        emit,
    };
}

/// The query side: its bus, and how far an answer may lag.
pub mod query {
    pub use crate::bus::query::{Answerable, QueryBus};
    pub use crate::bus::query_context::QueryParameter;
    pub use crate::model::consistency::{AfterPosition, AnyPosition, AskedAt, Consistency, Eventual, ReadYourWrites};
}

/// Views: documents folded from events, found by key and by index.
pub mod view {
    pub use crate::projection::views::{Cursor, Find, Page, Paging, ParseCursorError, RowStream, Views};
    #[doc(inline)]
    pub use cqrs_core::memory::MemoryViews;
    #[doc(inline)]
    pub use cqrs_core::view::*;
}

pub use crate::bus::handler::{Answered, Handled};
pub use app::{App, AppBuilder, BuildError, Health};
pub use boundary::{Absent, Many};
pub use command::{CommandBus, Receipt, WorkflowError};
pub use error::{CommandError, OperationError, QueryError};
pub use event::{Event, Events, Recorded};
pub use id::{Id, Tag};
pub use log::{Bookmark, EventLog, Position};
pub use message::{Command, Query};
pub use meta::{CommandId, Meta};
pub use outcome::{Decision, emit};
pub use parameters::{Database, ReadOnly, Reader, Stale, State, Tx};
pub use query::QueryBus;
pub use telemetry::TraceContext;
pub use time::{Date, Timestamp};
pub use uuid::Uuid;
pub use view::{View, Views};

pub use cqrs_macros::{
    Aggregate, Command, DomainError, Event, Events, Id, Query, View, aggregate, command, cqs, policy, projection, query,
};

/// Everything that annotated domain code names: `use cqrs_runtime::prelude::*;`.
///
/// `#[derive(Serialize, Deserialize)]` generates code that names the crate `serde`, so add it to your dependencies. `cqs`,
/// for plain objects, is not included: `use cqrs_runtime::cqs;`.
pub mod prelude {
    pub use crate::{
        Absent, Aggregate, App, Command, CommandBus, CommandError, CommandId, Date, Decision, DomainError, Event,
        Events, Id, Many, Meta, Position, Query, QueryBus, QueryError, ReadOnly, Reader, Receipt, Recorded, Stale,
        State, Timestamp, Tx, Uuid, View, Views, aggregate, command, emit, policy, projection, query,
    };
    pub use serde::{Deserialize, Serialize};
}

/// The names that expansions use. Not for use by hand, and free to change.
#[doc(hidden)]
pub mod __private {
    pub use crate::__id_schema as id_schema;
    pub use crate::bus::command_context::CommandContext;
    pub use crate::bus::handler::Here;
    pub use crate::bus::query_context::QueryContext;
    pub use crate::expansion::calls::{Calls, CommandHandler, Fallback, QueryHandler};
    pub use crate::expansion::compile_time::{distinct, is_among, same_events, same_name};
    pub use crate::expansion::cqs::{Seen, SeenPlain, unchanging};
    pub use crate::expansion::emits::require_folded;
    pub use crate::expansion::fields::{
        FallbackField, FieldAccess, Fields, HasField, NoRowKey, RowKey, field_name, require_field,
    };
    pub use crate::expansion::folds::{IdentityOf, decode, fold, handled, key_of, looked_up};
    pub use crate::expansion::probe::{Probe, Unless, Where};
    pub use crate::expansion::results::emitted;
    pub use crate::expansion::rules::{self, require};
    pub use crate::model::aggregate::slot::{NoSlot, Slot};
    pub use crate::model::aggregate::{Aggregate, FoldError, HasEvents};
    pub use crate::model::boundary::{Boundary, Loaded};
    pub use crate::model::consistency::{Eventual, ReadYourWrites};
    pub use crate::model::exposure::Exposure;
    pub use crate::model::message::{Answering, Command, Handling, Message, Query};
    pub use crate::model::rejection::{
        DomainErrorInfo, NoRejectionField, Rejecting, Rejection, RejectionCode, RejectionField, RejectionMember,
    };
    pub use crate::model::snapshot::{Snapshots, snapshots};
    pub use crate::policy::reaction::{FormerName, PolicyContext, Reacting, Reaction};
    pub use crate::policy::returns::{Returned, ReturnedNothing, may_return, returns};
    pub use crate::projection::fingerprint::Basis;
    pub use crate::projection::overlay::{LookUps, Rows};
    pub use crate::projection::{Fold, Handle};
    pub use crate::registry::{FieldInfo, MessageDocs, Registration};
    pub use cqrs_core::column::{Column, ColumnKind, Value};
    pub use cqrs_core::database::Tx;
    pub use cqrs_core::event::{DecodeError, Emitted, Event, Events, RecordedEvent, UpcastFrom};
    pub use cqrs_core::event_list::{EventList, TagInfo};
    pub use cqrs_core::id::{Id, IdValue, ParseIdError, Tag, TagField};
    pub use cqrs_core::json::{Codec, FallbackCodec};
    pub use cqrs_core::store_error::BoxFuture;
    pub use cqrs_core::view::{Index, IndexShape, KeyField, MultiIndex, Unindexed, View, ViewLayout};
    #[cfg(feature = "schema")]
    pub use schemars;
    pub use {inventory, serde, uuid};
}

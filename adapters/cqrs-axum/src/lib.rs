//! HTTP for an app of [`cqrs_runtime`]: an [`axum::Router`] for its commands and queries.
//!
//! ```no_run
//! use cqrs_runtime::App;
//! use cqrs_runtime::log::MemoryLog;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let app = App::builder().log(MemoryLog::new()).build().await?;
//! let router = axum::Router::new().nest("/api", cqrs_axum::router(&app));
//! # let _: axum::Router = router;
//! # Ok(())
//! # }
//! ```
//!
//! It is a router like any other: nest it, merge it, put your own layers around it, and serve it as you like.
//!
//! # Routes
//!
//! | request | does | answers |
//! | --- | --- | --- |
//! | `POST /commands/{Name}` | executes a command, whose JSON is the body | 204, or 200 with what the command returns; 201 if its handler takes an `Absent<A>` |
//! | `GET /queries/{Name}?field=..` | asks a query. A list is written `?id=1&id=2`, an object as JSON | 200 and the answer |
//! | `POST /queries/{Name}` | the same, with the fields as JSON in the body | 200 and the answer |
//! | `GET /openapi.json`, `GET /openapi` | with [`RouterBuilder::openapi`] | 200: the document, and a page to read and try it |
//! | `GET /health/live`, `GET /health/ready` | see [`App::health`] | 200 or 503, and the status alone |
//! | `#[cqrs(http = "POST /orders/{order}/ship")]` on a message, or [`RouterBuilder::route`] | the same, on a path of its own. Its fields come from the path, the query string and the body | the same as above |
//!
//! # Headers
//!
//! - `Cqrs-Position` of a command's answer is the position from which its effects can be seen, and `Cqrs-Events` says how many events
//!   it emitted. A query with `Cqrs-After: position`
//!   waits until the views that it reads have reached it.
//! - `Prefer: wait=SECONDS` shortens the time that a request may take.
//! - `Idempotency-Key` is the command's id: a command that is sent again with its key takes effect once, and is answered as the first
//!   time, with `Idempotency-Replayed: true`. While it runs in this process, the answer is 409. With other content it is 422. Keys of
//!   different actors and tenants are different.
//! - `If-Match: "position"` executes a command only if none of its aggregates has an event after that position, that of a
//!   `Cqrs-Position` for example. Otherwise the answer is 409: see [`Meta::expected`](cqrs_runtime::Meta::expected).
//! - A query's answer has an `ETag`, a hash of its content. With `If-None-Match` an answer that is the same is 304.
//! - `Cqrs-Message` is the name of the message that is meant. If the path leads to another one, the answer is 404, and nothing happens.
//! - `traceparent` and `tracestate` continue a trace.
//!
//! # Errors
//!
//! Each is a [`Problem`]. `#[derive(DomainError)]` gives the domain's errors their codes, statuses and members.
//!
//! | status | kinds |
//! | --- | --- |
//! | 400 | `Malformed` with the path in the JSON, `InvalidHeader`, `InvalidPath`, `NoPosition`, `OtherCursor`, `BodyUnreadable` |
//! | 401, 403 | `Unauthenticated`, `Forbidden`: the message [requires](#who-may) a permission |
//! | 403 | `Middleware`: a layer of a bus refused the message, with an error that derives no `DomainError` |
//! | 404 | `Unknown` name, `NotFound` with aggregate and id, `OtherMessage` |
//! | 405, 408, 413, 415 | `MethodNotAllowed`, `BodyTimedOut`, `TooLarge`, `UnsupportedMediaType` |
//! | 409 | `AlreadyExists`, `Conflict`, `IdempotencyKeyInUse` |
//! | 422 | `Rejected` by the domain, `IdReused` |
//! | 500 | `Panicked`, `Corrupt`, `Encode`, and what else only an operator can fix; without its cause |
//! | 503 | `Busy`, `QueueFull`, `Unavailable`, `NotBuilt`, `ShutDown`, with `Retry-After` |
//! | 504 | `NotYet`, `TimedOut` |
//!
//! A domain error with a status from 500 has neither its text nor its members in the answer. An error of a query's handler is `Rejected` if its type derives `DomainError`, and 500 otherwise: its text may be a database's.
//!
//! # Who may
//!
//! `#[cqrs(requires = "orders:write")]` on a message requires a permission of its caller, and `#[cqrs(public)]` none. As soon as one message
//! of an app requires a permission, the router is not built until each says one or the other. It is checked before the body of a request
//! is read. Who the caller is comes from your own authentication: a layer puts a [`Principal`](cqrs_runtime::access::Principal) into the request's
//! extensions, or [`RouterBuilder::principal`] makes one with an extractor.
//!
//! # OpenAPI
//!
//! [`RouterBuilder::openapi`] serves an OpenAPI 3.1 document of all messages: their own paths, or those of their names, descriptions from doc
//! comments, each refusal of the domain with its fields, the permissions. The page next to it needs no other network. With the feature `schema` it
//! has the JSON schemas of the messages, answers and domain errors that derive `schemars::JsonSchema`; `x-without-schema` lists the others.
//! Two types of one schema name are refused. [`RouterBuilder::openapi_document`] is for a test that compares it with a committed file.
//!
//! # Limits
//!
//! Bodies of one mebibyte, 30 seconds, 1,024 requests at the same time; 128 levels of JSON. See [`RouterBuilder`].

#![warn(missing_debug_implementations, missing_docs)]

use axum::Router;
use cqrs_runtime::App;

mod builder;
mod command;
mod fields;
mod handle;
mod headers;
mod health;
mod incoming;
mod location;
mod openapi;
mod problem;
mod query;
mod route;
mod shared;

pub use builder::RouterBuilder;
pub use openapi::OpenApi;
pub use problem::Problem;
pub use route::RouteError;

/// The router of an app, with every option at its default.
///
/// # Panics
/// If the messages' own paths clash, or one of them does not say who may send it: see [`RouteError`], which
/// [`RouterBuilder::build`] returns.
pub fn router<S: Clone + Send + Sync + 'static>(app: &App) -> Router<S> {
    builder(app).build().unwrap_or_else(|error| panic!("{error}"))
}

/// A router with options.
///
/// ```no_run
/// use std::time::Duration;
/// # use cqrs_runtime::App;
///
/// # fn example(app: &App) -> Result<axum::Router, cqrs_axum::RouteError> {
/// let router = cqrs_axum::builder(app)
///     .route("POST /orders/{order}/ship", "ShipOrder")
///     .location("CreateOrder", "/queries/OrderDetails?order={id}")
///     .timeout(Duration::from_secs(10))
///     .build()?;
/// # Ok(router)
/// # }
/// ```
pub fn builder(app: &App) -> RouterBuilder {
    RouterBuilder::new(app)
}

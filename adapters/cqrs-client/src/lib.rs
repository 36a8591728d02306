//! A typed client for an app of [`cqrs_runtime`] that is served over HTTP by `cqrs-axum`.
//!
//! ```no_run
//! use cqrs_client::Http;
//! use cqrs_runtime::client::Client;
//! # use cqrs_runtime::prelude::*;
//! # #[derive(Id)] pub struct OrderId(Uuid);
//! # #[derive(Command, Serialize, Deserialize)] pub struct ConfirmOrder { order: OrderId }
//! # #[derive(Query, Serialize, Deserialize)] #[cqrs(returns = Option<String>)] pub struct StatusOf { order: OrderId }
//!
//! # async fn example(order: OrderId) -> Result<(), Box<dyn std::error::Error>> {
//! let shop = Http::new("https://shop.example.org/api");
//! let receipt = shop.execute(ConfirmOrder { order }).await?;
//! let status = shop.ask(StatusOf { order }).await?; // sees the confirmation
//! # let _ = (receipt, status);
//! # Ok(())
//! # }
//! ```
//!
//! The messages are the types that the server has, from a crate that both depend on. The program needs no handlers for them.
//!
//! # Results and errors
//!
//! Those of the buses in the process itself: a [`Receipt`](cqrs_runtime::Receipt), the query's answer, a
//! [`CommandError`] or [`QueryError`]. What does not travel is left out: texts of panics and databases.
//!
//! - A domain error is the same enum, read back from its code and fields: see `#[derive(DomainError)]`. If a variant cannot be read back,
//!   or the server is newer and has another code, it is a [`CommandError::Remote`] with the code, the text and the fields.
//! - A query's domain error is a [`QueryError::Failed`] with a [`RemoteError`](cqrs_runtime::error::RemoteError), which
//!   [reads it back](cqrs_runtime::error::RemoteError::read) as the type that the caller expects.
//! - [`CommandError::Unavailable`] with `StoreError::Unknown` says that the command may have taken effect. Send it again with the
//!   same [command id](Meta::command_id) to learn its outcome.
//! - Every other answer is a `Remote` error with the server's kind: `Unknown`, `Malformed`, `Unauthorized`, `Forbidden`, and so on. The
//!   kind `NoProblem` is an answer that is no problem of `cqrs-axum`'s, from a proxy for example.
//!
//! # What is sent along
//!
//! A message goes to the path that it declares, `#[cqrs(http = "POST /orders/{order}/ship")]`, or to that of its name: if it declares none, if it
//! is reached by `GET`, and if the server does not know the path, or another message by it (it runs another version).
//!
//! Of a [`Meta`] the command id, the deadline, the expected position and the trace. The server says who the caller is, from what
//! [`header`](Http::header) adds.
//!
//! # Features
//!
//! - `rustls` or `native-tls`: URLs with `https`.

#![warn(missing_debug_implementations, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cqrs_core::store_error::BoxFuture;
use cqrs_runtime::client::Client;
use cqrs_runtime::error::Rejecting;
use cqrs_runtime::message::{Answering, Handling};
use cqrs_runtime::{Command, CommandError, Meta, Position, Query, QueryError};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;

mod answer;
mod call;
mod errors;
mod path;
mod send;

use call::Call;
use send::{Outcome, Service};

pub use reqwest;

/// A client of one service, and of one session: a query sees what the client's own commands have done.
///
/// Clones belong to the same session. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Http {
    service: Arc<Service>,
    /// The highest position of this session.
    seen: Arc<AtomicU64>,
}

impl Http {
    /// A client of the service at a URL: that of the router's root, `http://localhost:8080/api`.
    ///
    /// A URL that cannot be used is an error of each message.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let service = Service {
            url: url.trim_end_matches('/').to_owned(),
            http: reqwest::Client::new(),
            headers: HeaderMap::new(),
            fields: path::Fields::default(),
            within: Duration::from_secs(30),
        };
        Self { service: Arc::new(service), seen: Arc::default() }
    }

    /// Sends with an HTTP client of your own: for proxies, certificates, connection limits. Its own timeouts apply as well.
    #[must_use]
    pub fn with_http(self, http: reqwest::Client) -> Self {
        self.with(|service| service.http = http)
    }

    /// Adds a header to each request: `authorization`, for example.
    ///
    /// ```
    /// # use cqrs_client::{Http, reqwest::header::{AUTHORIZATION, HeaderValue}};
    /// let shop = Http::new("http://localhost:8080").header(AUTHORIZATION, HeaderValue::from_static("Bearer 4711"));
    /// ```
    #[must_use]
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.with(|service| {
            service.headers.insert(name, value);
        })
    }

    /// How long a message is tried. Default: 30 seconds. [`Meta::within`] sets it for one message.
    ///
    /// Within this time a message is sent again after connection errors and after answers that ask for it (502, 503, a command that
    /// still runs), with pauses from 50 milliseconds to 2 seconds, or as long as the answer says. The server is asked to keep to it. A
    /// command that was started by then is waited for as long again.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        self.with(|service| service.within = time)
    }

    /// A client of the same service with a session of its own, which has seen nothing yet. The connections are shared.
    #[must_use]
    pub fn session(&self) -> Self {
        Self { service: Arc::clone(&self.service), seen: Arc::default() }
    }

    /// The position that this session's queries see: the highest of its commands' receipts, and of [`after`](Self::after).
    #[must_use]
    pub fn position(&self) -> Position {
        Position::new(self.seen.load(Ordering::Acquire))
    }

    /// Makes this session's queries see everything up to a position: that of another session, or of a user's last visit.
    #[must_use]
    pub fn after(self, position: Position) -> Self {
        self.saw(position);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Service)) -> Self {
        change(Arc::make_mut(&mut self.service));
        self
    }

    fn saw(&self, position: Position) {
        self.seen.fetch_max(position.get(), Ordering::AcqRel);
    }
}

impl Client for Http {
    fn send_command<C>(&self, command: C, meta: Meta) -> BoxFuture<'_, Handling<C>>
    where
        C: Command<Error: Rejecting>,
    {
        Box::pin(async move {
            let call = Call::command(&command, &meta, &self.service.fields)
                .map_err(|error| CommandError::Remote(Box::new(error)))?;
            match self.service.send(&call, meta.deadline).await {
                Outcome::Accepted(answer) => {
                    let receipt = answer.receipt::<C>(meta.command_id.is_some());
                    if let Some(position) = answer.position {
                        self.saw(position);
                    }
                    receipt
                }
                Outcome::Refused(refusal) => Err(errors::of_command::<C>(&refusal, &call.key, &self.service)),
                Outcome::NotReached(failure) => Err(CommandError::Unavailable(failure)),
            }
        })
    }

    fn send_query<Q>(&self, query: Q, meta: Meta) -> BoxFuture<'_, Answering<Q>>
    where
        Q: Query<Returns: DeserializeOwned>,
    {
        Box::pin(async move {
            let call = Call::query(&query, &meta, self.position(), &self.service.fields);
            let call = call.map_err(|error| QueryError::Remote(Box::new(error)))?;
            match self.service.send(&call, meta.deadline).await {
                Outcome::Accepted(answer) => answer.read(),
                Outcome::Refused(refusal) => {
                    // The router answers 404 in place of `null`.
                    let nothing = if refusal.kind == "NotFound" { serde_json::from_str("null").ok() } else { None };
                    nothing.ok_or_else(|| errors::of_query::<Q>(&refusal, &self.service))
                }
                Outcome::NotReached(failure) => Err(QueryError::Unavailable(failure)),
            }
        })
    }
}

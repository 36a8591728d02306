//! The query bus: the only way to run a query.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use crate::bus::handler::Answered;
use crate::bus::middleware::{QueryRequest, QueryResponse};
use crate::bus::query_context::QueryContext;
use crate::bus::services::{Asked, Services};
use crate::bus::wire_error::WireError;
use crate::model::consistency::{After, AfterPosition, AnyPosition, AskedAt, Consistency, DEADLINE};
use crate::model::error::QueryError;
use crate::model::message::Answering;
use crate::telemetry::spans;
use cqrs_core::debug::opaque_debug;
use cqrs_core::meta::Meta;
use cqrs_core::position::Position;
use cqrs_core::store_error::BoxFuture;

/// A query that can be asked, with all that can come of it, `R`, and how far that may lag, `C`: each that has a handler.
///
/// One trait of all three, so that what is no query is one error.
#[diagnostic::on_unimplemented(
    message = "[CQRS306] no `#[query]` handler for `{Self}`",
    label = "nothing answers this",
    note = "a query that nothing answers could only fail in production",
    note = "write `#[query] async fn ..(q: {Self}, ..)`, or link the crate that has it; what is no query yet needs `#[derive(Query)]`",
    note = "[CQRS307] a command goes to the command bus: `app.commands().execute(..)`; an event is not asked for: ask a query of the views that it changes",
    note = "see: cqrs_runtime::rules#cqrs306"
)]
pub trait Answerable<H, R, C> {
    #[doc(hidden)]
    fn asked<At>(self, bus: &QueryBus<At>) -> BoxFuture<'static, R>;
}

#[diagnostic::do_not_recommend]
impl<Q: Answered<H>, H: 'static> Answerable<H, Answering<Q>, Q::Consistency> for Q {
    fn asked<At>(self, bus: &QueryBus<At>) -> BoxFuture<'static, Answering<Q>> {
        bus.ask_checked(self)
    }
}

/// Runs queries. Cheap to clone; [`App::queries`](crate::App::queries) returns one.
///
/// `At` says whether its queries wait for a position. Queries with `#[cqrs(consistency = read_your_writes)]`
/// require that.
pub struct QueryBus<At = AnyPosition> {
    services: Arc<Services>,
    meta: Option<Meta>,
    after: Option<After>,
    at: PhantomData<fn() -> At>,
}

opaque_debug!([At] QueryBus<At> { meta, after });

impl<At> Clone for QueryBus<At> {
    fn clone(&self) -> Self {
        self.moved(self.after)
    }
}

impl QueryBus {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self::asked(services, Asked::default())
    }
}

impl QueryBus {
    pub(super) fn asked(services: Arc<Services>, Asked { meta, after }: Asked) -> Self {
        Self { services, meta, after, at: PhantomData }
    }
}

impl QueryBus<AfterPosition> {
    /// How long to wait for the position. Default: five seconds.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        self.moved(self.after.map(|after| After { within: deadline, ..after }))
    }

    /// Answers from what the views have when the time is up, instead of failing.
    #[must_use]
    pub fn or_stale(&self) -> Self {
        self.moved(self.after.map(|after| After { or_stale: true, ..after }))
    }
}

impl<At> QueryBus<At> {
    fn moved<To>(&self, after: Option<After>) -> QueryBus<To> {
        QueryBus { services: Arc::clone(&self.services), meta: self.meta.clone(), after, at: PhantomData }
    }

    /// A bus whose queries carry this [`Meta`].
    #[must_use]
    pub fn with_meta(&self, meta: Meta) -> Self {
        Self { meta: Some(meta), ..self.clone() }
    }

    #[doc(hidden)]
    #[must_use]
    #[deprecated(note = "renamed to `with_meta`")]
    pub fn with(&self, meta: Meta) -> Self {
        self.with_meta(meta)
    }

    /// A bus whose queries see every event up to `position`. A query waits until the views that it reads have reached
    /// it, and fails with [`QueryError::NotYet`] after five seconds, or the time set by [`within`](QueryBus::within).
    ///
    /// With [`Receipt::position`](crate::Receipt::position) a caller reads its own writes, at every level.
    #[must_use]
    pub fn after(&self, position: Position) -> QueryBus<AfterPosition> {
        self.moved(Some(After { position, within: DEADLINE, or_stale: false }))
    }

    /// Runs a query by its handler, which the compiler has found.
    ///
    /// # Errors
    /// See [`QueryError`].
    // A boxed future, for the same reason as `CommandBus::execute`'s.
    pub fn ask<Q, H, R, C>(&self, query: Q) -> BoxFuture<'static, R>
    where
        Q: Answerable<H, R, C>,
        C: AskedAt<At, Q>,
        H: 'static,
        R: 'static,
    {
        query.asked(self)
    }

    /// Like [`ask`](Self::ask), for callers whose types the compiler cannot infer.
    pub(crate) fn ask_checked<Q: Answered<H>, H: 'static>(&self, query: Q) -> BoxFuture<'static, Answering<Q>> {
        if Q::Consistency::NEEDS_POSITION && self.after.is_none() {
            return Box::pin(std::future::ready(Err(QueryError::NoPosition(Q::NAME))));
        }
        let (services, meta, after) = (Arc::clone(&self.services), self.meta.clone(), self.after);
        Box::pin(async move {
            let mut meta = meta.unwrap_or_default();
            let span = spans::query(Q::NAME, &meta, after.map(|after| after.position));
            services.trace_link.enter(&span, &mut meta);
            let watch = services.recorder.query(Q::NAME);
            let answer = match &services.query_layers {
                None => query.answer(QueryContext::new(services, meta, after)).instrument(span.clone()).await,
                Some(service) => {
                    let service = service.clone();
                    let request = request::<Q, H>(query, services, meta, after);
                    match service.run(request).instrument(span.clone()).await {
                        Ok(response) => response.into_typed::<Answering<Q>>(),
                        Err(error) => Err(QueryError::Middleware(error)),
                    }
                }
            };
            if let Err(error) = &answer {
                span.in_scope(|| {
                    tracing::debug!(query = Q::NAME, kind = error.kind(), %error, "query failed");
                });
            }
            let outcome = answer.as_ref().map(drop).map_err(QueryError::kind);
            spans::record_outcome(&span, outcome);
            watch.stop(outcome);
            answer
        })
    }

    /// Runs a query by its name and JSON, for a transport without types. The answer is JSON too.
    ///
    /// # Errors
    /// See [`WireError`].
    pub async fn ask_json(&self, name: &str, data: &str, meta: Meta) -> Result<serde_json::Value, WireError> {
        let handler = self.services.handlers.query(name)?;
        self.services.check_size(data)?;
        let asked = Asked { meta: Some(meta), after: self.after };
        (handler.wire)(Arc::clone(&self.services), asked, data.into()).await
    }
}

/// What a query's layers are around.
fn request<Q: Answered<H>, H: 'static>(
    query: Q,
    services: Arc<Services>,
    meta: Meta,
    after: Option<After>,
) -> QueryRequest {
    QueryRequest::new(Q::NAME, meta, move |meta| {
        Box::pin(async move {
            let answering: Answering<Q> = query.answer(QueryContext::new(services, meta, after)).await;
            QueryResponse::new(answering.as_ref().map(drop).map_err(QueryError::kind), answering)
        })
    })
}

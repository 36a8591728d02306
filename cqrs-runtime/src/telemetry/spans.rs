//! Every span of the runtime, and their link to traces. The page of [`telemetry`](super) lists them.

use std::fmt;
use std::sync::Arc;

use tracing::Span;
use tracing::dispatcher::{Dispatch, with_default};
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;

use crate::model::aggregate::slot::AggregateSlot;
use crate::telemetry::traces::Traces;
use cqrs_core::event::{EventHeader, RecordedEvent};
use cqrs_core::log::Page;
use cqrs_core::meta::Meta;
use cqrs_core::position::Position;
use cqrs_core::view::Parked;

/// The app's link from spans to traces, if any.
#[derive(Clone, Default)]
pub(crate) struct TraceLink(Option<Arc<dyn Traces>>);

impl TraceLink {
    pub(crate) fn new(traces: impl Traces) -> Self {
        Self(Some(Arc::new(traces)))
    }

    /// Opens a request's span. The span continues the trace that the request came with, and the request continues with the
    /// span's context.
    pub(crate) fn enter(&self, span: &Span, meta: &mut Meta) {
        let Some(traces) = &self.0 else { return };
        let came_with = meta.trace.take();
        if let Some(from) = &came_with {
            traces.continues(span, from);
        }
        meta.trace = traces.context_of(span).or(came_with).or_else(|| traces.current());
    }

    /// The span of a policy that handles an event. It continues the event's trace.
    pub(crate) fn reaction(&self, policy: &'static str, event: &RecordedEvent) -> Span {
        let EventHeader { meta, position, .. } = event.header();
        let span = tracing::info_span!(
            target: "cqrs_runtime",
            "policy",
            otel.name = %format_args!("policy {policy}"),
            otel.kind = "consumer",
            otel.status_code = Empty,
            cqrs.policy = policy,
            cqrs.event = event.name(),
            cqrs.position = position.get(),
            cqrs.correlation = %meta.correlation,
            cqrs.tenant = meta.tenant.as_deref(),
            cqrs.traceparent = meta.trace.as_ref().map(display),
        );
        if let (Some(traces), Some(from)) = (&self.0, &meta.trace) {
            traces.continues(&span, from);
        }
        span
    }

    /// Links a span to a request of another trace that it serves.
    pub(crate) fn link(&self, span: &Span, to: &Meta) {
        if let (false, Some(traces), Some(to)) = (span.is_disabled(), &self.0, &to.trace) {
            traces.links(span, to);
        }
    }

    /// Gives a policy's command the trace of the current span, which is the reaction's, or else of the event.
    pub(crate) fn pass_on(&self, cause: &Meta, command: &mut Meta) {
        let own = self.0.as_ref().and_then(|traces| traces.context_of(&Span::current()));
        command.trace = own.or_else(|| cause.trace.clone());
    }
}

pub(crate) fn command(name: &'static str, meta: &Meta) -> Span {
    tracing::info_span!(
        target: "cqrs_runtime",
        "command",
        otel.name = %format_args!("command {name}"),
        otel.status_code = Empty,
        cqrs.command = name,
        cqrs.correlation = %meta.correlation,
        cqrs.causation = meta.causation.map(display),
        cqrs.tenant = meta.tenant.as_deref(),
        cqrs.outcome = Empty,
        cqrs.position = Empty,
        cqrs.events = Empty,
    )
}

pub(crate) fn query(name: &'static str, meta: &Meta, after: Option<Position>) -> Span {
    tracing::info_span!(
        target: "cqrs_runtime",
        "query",
        otel.name = %format_args!("query {name}"),
        otel.status_code = Empty,
        cqrs.query = name,
        cqrs.correlation = %meta.correlation,
        cqrs.tenant = meta.tenant.as_deref(),
        cqrs.after = after.map(Position::get),
        cqrs.outcome = Empty,
    )
}

/// Records the outcome of a command or query.
pub(crate) fn record_outcome(span: &Span, outcome: Result<(), &'static str>) {
    span.record("cqrs.outcome", outcome.err().unwrap_or(super::metrics::OK));
    if outcome.is_err_and(is_fault) {
        span.record("otel.status_code", "ERROR");
    }
}

/// Records the position of a command's events.
pub(crate) fn record_position(span: &Span, position: Position, events: u32) {
    span.record("cqrs.position", position.get());
    span.record("cqrs.events", events);
}

/// Whether an error of this kind means that something is broken. Other kinds are refusals, or ask the caller to retry.
fn is_fault(kind: &str) -> bool {
    ["Corrupt", "Panicked", "Encode", "Unavailable", "ShutDown", "Malformed", "Failed"].contains(&kind)
}

/// The spans of a command in the sequencer, if a subscriber wants them.
#[derive(Default)]
pub(crate) struct CommandSpans(Option<Watched>);

struct Watched {
    /// The caller's subscriber. The sequencer's thread may have another one, which does not know these spans.
    subscriber: Dispatch,
    command: Span,
    /// The span of its wait.
    queue: Option<Span>,
}

impl CommandSpans {
    /// Starts the wait of the command whose span is current.
    pub(crate) fn queued() -> Self {
        if LevelFilter::current() < LevelFilter::DEBUG {
            return Self(None);
        }
        let command = Span::current();
        let subscriber = command.with_subscriber(|(_, subscriber)| subscriber.clone());
        let queue = || Some(tracing::debug_span!(target: "cqrs_runtime", "queue"));
        Self(subscriber.map(|subscriber| Watched { subscriber, queue: queue(), command }))
    }

    /// Ends the wait.
    pub(crate) fn taken(&mut self) {
        if let Some(Watched { subscriber, queue, .. }) = &mut self.0 {
            with_default(subscriber, || drop(queue.take()));
        }
    }

    /// Runs the decision in a span that names its aggregates.
    pub(crate) fn decide<T>(
        &self,
        command: &'static str,
        slots: &[Vec<Box<dyn AggregateSlot>>],
        decision: impl FnOnce() -> T,
    ) -> T {
        let Some(watched) = &self.0 else { return decision() };
        with_default(&watched.subscriber, || {
            let span = tracing::debug_span!(
                target: "cqrs_runtime",
                parent: &watched.command,
                "decide",
                cqrs.command = command,
                cqrs.aggregates = %Tags(slots),
            );
            span.in_scope(decision)
        })
    }
}

impl Drop for CommandSpans {
    fn drop(&mut self) {
        // A span that ends may end its parent, so both need the same subscriber.
        if let Some(Watched { subscriber, command, queue }) = self.0.take() {
            with_default(&subscriber, || drop((command, queue)));
        }
    }
}

/// The tags of aggregates, separated by commas.
struct Tags<'a>(&'a [Vec<Box<dyn AggregateSlot>>]);

impl fmt::Display for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, slot) in self.0.iter().flatten().enumerate() {
            write!(f, "{}{}", if place == 0 { "" } else { "," }, slot.tag())?;
        }
        Ok(())
    }
}

/// The span of a sequencer batch. It belongs to no command's trace, and is linked to all of them.
pub(crate) fn batch(commands: usize) -> Span {
    tracing::debug_span!(target: "cqrs_runtime", parent: None, "batch", cqrs.commands = commands)
}

pub(crate) fn load(aggregates: usize) -> Span {
    tracing::debug_span!(target: "cqrs_runtime", "load", otel.kind = "client", cqrs.aggregates = aggregates)
}

pub(crate) fn append(events: usize) -> Span {
    tracing::debug_span!(target: "cqrs_runtime", "append", otel.kind = "client", cqrs.events = events)
}

/// The span of a page of events that projections fold in one transaction.
pub(crate) fn page<'a>(projections: impl Iterator<Item = &'a &'static str>, after: Position, page: &Page) -> Span {
    tracing::debug_span!(
        target: "cqrs_runtime",
        "projections",
        otel.kind = "consumer",
        cqrs.projections = %projections.copied().collect::<Vec<_>>().join(","),
        cqrs.after = after.get(),
        cqrs.position = page.up_to.get(),
        cqrs.events = page.events.len(),
    )
}

pub(crate) fn rebuild(projection: &str) -> Span {
    tracing::info_span!(
        target: "cqrs_runtime",
        "rebuild",
        otel.name = %format_args!("rebuild {projection}"),
        cqrs.projection = projection,
    )
}

/// Logs that a projection has parked keys, or itself, and which request emitted the event.
pub(crate) fn tell_parked(parked: &[Parked], events: &[RecordedEvent]) {
    for Parked { projection, key, position, event, error, .. } in parked {
        let meta = events.iter().find(|event| event.position() == *position).map(|event| &event.header().meta);
        tracing::error!(
            target: "cqrs_runtime",
            projection,
            key,
            event,
            position = position.get(),
            correlation = meta.map(|meta| display(meta.correlation)),
            traceparent = meta.and_then(|meta| meta.trace.as_ref()).map(display),
            error,
            "event not applied: {}",
            if key.is_empty() { "projection parked" } else { "key parked" },
        );
    }
}

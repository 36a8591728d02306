//! The link between an app's spans and a tracing system's traces.

use tracing::Span;

use cqrs_core::trace_context::TraceContext;

/// Links an app's spans to a tracing system's traces. Crate `cqrs-opentelemetry` implements it for OpenTelemetry. Pass
/// it to [`AppBuilder::traces`](crate::AppBuilder::traces).
///
/// It is called for each command, query and policy reaction, in the caller's task. It must not block.
pub trait Traces: Send + Sync + 'static {
    /// The context of a span. `None` if the span is not part of a trace, because it is filtered out for
    /// example.
    fn context_of(&self, span: &Span) -> Option<TraceContext>;

    /// The context of what the calling task is doing, if any.
    fn current(&self) -> Option<TraceContext>;

    /// Makes a span that was just opened the child of a span in another process or of the past.
    fn continues(&self, span: &Span, from: &TraceContext);

    /// Links a span to a span of another trace that it also serves.
    fn links(&self, span: &Span, to: &TraceContext);
}

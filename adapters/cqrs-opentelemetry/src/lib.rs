//! OpenTelemetry's traces for `cqrs-runtime`: a trace goes on from the caller's span to the command's, with its events into the log,
//! and from there to the policies that answer them and to their commands, later and in another process as well.
//!
//! The program sets up `tracing` and `tracing-opentelemetry` as it likes; the app is told in one call:
//!
//! ```standalone_crate
//! use cqrs_opentelemetry::OpenTelemetry;
//! use cqrs_runtime::log::MemoryLog;
//! use cqrs_runtime::prelude::*;
//! use opentelemetry::trace::TracerProvider;
//! use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
//! use tracing_subscriber::layer::SubscriberExt;
//!
//! # #[derive(Id)] pub struct DoorId(Uuid);
//! # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
//! # #[derive(Command, Serialize, Deserialize)] pub struct OpenDoor { door: DoorId }
//! # #[command]
//! # fn open(cmd: OpenDoor) -> Result<DoorOpened, std::convert::Infallible> { Ok(DoorOpened { door: cmd.door }) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let exporter = InMemorySpanExporter::default(); // in a program: that of `opentelemetry-otlp`, say
//! let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
//! let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("doors"));
//! let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
//!
//! let app = App::builder().log(MemoryLog::new()).traces(OpenTelemetry).build().await?;
//! app.commands().execute(OpenDoor { door: DoorId::new() }).await?;
//!
//! let spans = exporter.get_finished_spans()?;
//! assert!(spans.iter().any(|span| span.name == "command OpenDoor"));
//! # Ok(())
//! # }
//! ```
//!
//! A request's own context comes from the span that its handler runs in (an HTTP layer's, say, that has read the `traceparent`
//! header), or, without such a layer, from [`Meta::trace`](cqrs_runtime::Meta::trace). What the spans are and hold, the page of
//! [`cqrs_runtime::observing`] lists.

#![warn(missing_docs)]

use cqrs_runtime::observing::{TraceContext, Traces};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, TraceFlags};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Ties an app's spans to OpenTelemetry's traces, by the layer of `tracing-opentelemetry` that the program has installed. Without one
/// there are no traces, and nothing happens.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenTelemetry;

impl Traces for OpenTelemetry {
    fn context_of(&self, span: &Span) -> Option<TraceContext> {
        stored(span.context().span().span_context())
    }

    /// That of the span at hand; where `tracing` has none, of OpenTelemetry's own.
    fn current(&self) -> Option<TraceContext> {
        self.context_of(&Span::current()).or_else(|| stored(Context::current().span().span_context()))
    }

    fn continues(&self, span: &Span, from: &TraceContext) {
        // It fails where no layer keeps the span, which is then no part of any trace.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote(from)));
    }

    fn links(&self, span: &Span, to: &TraceContext) {
        span.add_link(remote(to));
    }
}

/// A span's context, as it is stored with events.
fn stored(span: &SpanContext) -> Option<TraceContext> {
    let (trace, id) = (span.trace_id().to_bytes(), span.span_id().to_bytes());
    let context = TraceContext::new(trace, id, span.trace_flags().to_u8())?;
    let state = span.trace_state().header();
    Some(if state.is_empty() { context } else { context.with_state(&state) })
}

/// The context of a span that is stored with an event, or came with a request.
fn remote(context: &TraceContext) -> SpanContext {
    let (trace, id) = (TraceId::from_bytes(context.trace_id()), SpanId::from_bytes(context.span_id()));
    // An entry that OpenTelemetry does not take costs the state, and not the trace.
    let state = context.tracestate().and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    SpanContext::new(trace, id, TraceFlags::new(context.flags()), true, state)
}

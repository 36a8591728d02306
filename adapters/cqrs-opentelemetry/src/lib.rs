//! OpenTelemetry traces for `cqrs-runtime`. A trace continues from the caller's span to the command
//! and, with its events, into the log. From there it continues to the policies that react and to
//! their commands, also later and in another process.
//!
//! The program sets up `tracing` and `tracing-opentelemetry` as usual. One call connects the app:
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
//! The context of a request comes from the span in which its handler runs, such as that of an HTTP
//! layer which has read the `traceparent` header. Without such a layer it comes from
//! [`Meta::trace`](cqrs_runtime::Meta::trace). [`cqrs_runtime::telemetry`] lists the spans and
//! their fields.

#![warn(missing_debug_implementations)]

use cqrs_runtime::telemetry::{TraceContext, Traces};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, TraceFlags};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Connects an app's spans to OpenTelemetry traces, by the layer of `tracing-opentelemetry` that
/// the program has installed. Without that layer it does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenTelemetry;

impl Traces for OpenTelemetry {
    fn context_of(&self, span: &Span) -> Option<TraceContext> {
        stored(span.context().span().span_context())
    }

    /// The context of the current `tracing` span, or else OpenTelemetry's current context.
    fn current(&self) -> Option<TraceContext> {
        self.context_of(&Span::current()).or_else(|| stored(Context::current().span().span_context()))
    }

    fn continues(&self, span: &Span, from: &TraceContext) {
        // It fails if no layer keeps the span, which is then not part of any trace.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote(from)));
    }

    fn links(&self, span: &Span, to: &TraceContext) {
        span.add_link(remote(to));
    }
}

/// Encodes a span's context, to be stored with events.
fn stored(span: &SpanContext) -> Option<TraceContext> {
    let (trace, id) = (span.trace_id().to_bytes(), span.span_id().to_bytes());
    let context = TraceContext::new(trace, id, span.trace_flags().to_u8())?;
    let state = span.trace_state().header();
    Some(if state.is_empty() { context } else { context.with_state(&state) })
}

/// Decodes the context of a span, stored with an event or received with a request.
fn remote(context: &TraceContext) -> SpanContext {
    let (trace, id) = (TraceId::from_bytes(context.trace_id()), SpanId::from_bytes(context.span_id()));
    // If OpenTelemetry rejects an entry, the state is dropped, but not the trace.
    let state = context.tracestate().and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    SpanContext::new(trace, id, TraceFlags::new(context.flags()), true, state)
}

//! One subscriber for all tests, because apps have threads of their own. A test finds its spans by
//! their trace.

use std::sync::OnceLock;

use opentelemetry::trace::{SpanId, TraceId, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

struct Exported {
    exporter: InMemorySpanExporter,
    /// It exports until it is dropped.
    provider: SdkTracerProvider,
}

fn exported() -> &'static Exported {
    static EXPORTED: OnceLock<Exported> = OnceLock::new();
    EXPORTED.get_or_init(|| {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::DEBUG));
        tracing::subscriber::set_global_default(subscriber).expect("the first subscriber");
        Exported { exporter, provider }
    })
}

/// Exports spans from here on.
pub fn start() {
    exported();
}

/// The finished spans of a trace.
pub fn spans(trace: TraceId) -> Vec<SpanData> {
    exported().provider.force_flush().unwrap();
    let mut spans = exported().exporter.get_finished_spans().unwrap();
    spans.retain(|span| span.span_context.trace_id() == trace);
    spans
}

/// All finished spans with this name.
pub fn named(name: &str) -> Vec<SpanData> {
    exported().exporter.get_finished_spans().unwrap().into_iter().filter(|span| span.name == name).collect()
}

/// The only span with this name. Waits until a task of the app ends it.
pub async fn one(trace: TraceId, name: &str) -> SpanData {
    let found = async {
        loop {
            if let Some(span) = spans(trace).into_iter().find(|span| span.name == name) {
                return span;
            }
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::time::timeout(std::time::Duration::from_secs(20), found).await;
    let known = || spans(trace).iter().map(|span| span.name.to_string()).collect::<Vec<_>>();
    let found = found.unwrap_or_else(|_| panic!("no span `{name}` in trace {trace}, which has {:?}", known()));
    assert_eq!(spans(trace).iter().filter(|span| span.name == name).count(), 1, "exactly one `{name}`");
    found
}

pub fn id(span: &SpanData) -> SpanId {
    span.span_context.span_id()
}

pub fn attribute(span: &SpanData, key: &str) -> Option<String> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|found| found.value.to_string())
}

//! The spans of one command or query, and where their trace comes from.

use std::time::Duration;

use cqrs_runtime::TraceContext;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::Instrument;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::exported::{attribute, id, named, one, spans, start};
use crate::orders::{Answer, BreakDown, OrderId, PackOrder, PayOrder, builder, traces_of};

/// A trace that came with a request.
fn came(flags: u8) -> (TraceContext, TraceId, SpanId) {
    let (trace, span) = (Uuid::now_v7().into_bytes(), 7_u64.to_be_bytes());
    let context = TraceContext::new(trace, span, flags).unwrap().with_state("vendor=a1b2");
    (context, TraceId::from_bytes(trace), SpanId::from_bytes(span))
}

#[tokio::test]
async fn a_trace_that_came_with_the_request_is_continued() {
    start();
    let app = builder(&MemoryLog::new()).without_policies().build().await.unwrap();
    let ((context, trace, remote), order) = (came(1), OrderId::new());
    app.commands().with_meta(Meta::new().trace(context)).execute(PayOrder { order }).await.unwrap();
    let pay = one(trace, "command PayOrder").await;
    assert_eq!(pay.parent_span_id, remote);
    let stored = traces_of(&app, order).await.remove(0).1.unwrap();
    assert_eq!(stored.span_id(), id(&pay).to_bytes(), "the command's own span, a child of the request's");
    assert_eq!(stored.tracestate(), Some("vendor=a1b2"));
}

#[tokio::test]
async fn an_unsampled_trace_is_not_exported_and_is_marked_in_the_log() {
    start();
    let app = builder(&MemoryLog::new()).build().await.unwrap();
    let ((context, trace, _), order) = (came(0), OrderId::new());
    app.commands().with_meta(Meta::new().trace(context)).execute(PayOrder { order }).await.unwrap();
    app.settled().await.unwrap();
    let traces = traces_of(&app, order).await;
    assert_eq!(traces.len(), 2);
    for (event, stored) in traces {
        let stored = stored.unwrap();
        assert_eq!((TraceId::from_bytes(stored.trace_id()), stored.is_sampled()), (trace, false), "{event}");
    }
    assert!(spans(trace).is_empty(), "{:?}", spans(trace));
}

#[tokio::test]
async fn a_command_shows_its_wait_its_decision_and_the_batch_that_stored_it() {
    start();
    let app = builder(&MemoryLog::new()).without_policies().build().await.unwrap();
    let ((context, trace, _), order) = (came(1), OrderId::new());
    let receipt = app.commands().with_meta(Meta::new().trace(context)).execute(PayOrder { order }).await.unwrap();
    let pay = one(trace, "command PayOrder").await;
    assert_eq!(attribute(&pay, "cqrs.command").as_deref(), Some("PayOrder"));
    assert_eq!(attribute(&pay, "cqrs.outcome").as_deref(), Some("Ok"));
    assert_eq!(attribute(&pay, "cqrs.position"), Some(receipt.position().to_string()));
    let (queue, decide) = (one(trace, "queue").await, one(trace, "decide").await);
    assert_eq!([queue.parent_span_id, decide.parent_span_id], [id(&pay); 2]);
    assert!(queue.end_time <= decide.start_time, "it is decided after its wait");
    assert_eq!(attribute(&decide, "cqrs.aggregates"), Some(order.tag().to_string()));
    drop(app);
    let linked = |span: &&opentelemetry_sdk::trace::SpanData| {
        span.links.iter().any(|link| link.span_context.span_id() == id(&pay))
    };
    let linked = async {
        loop {
            // The sequencer ends it after the answer.
            if let Some(batch) = named("batch").iter().find(linked) {
                return batch.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let batch = tokio::time::timeout(Duration::from_secs(20), linked).await.expect("a batch that is linked to it");
    assert_ne!(batch.span_context.trace_id(), trace, "a batch is linked to every trace that it serves");
    let own = spans(batch.span_context.trace_id());
    let append = own.iter().find(|span| span.name == "append").unwrap();
    assert_eq!((append.parent_span_id, &append.span_kind), (id(&batch), &SpanKind::Client));
}

#[tokio::test]
async fn a_technical_failure_is_an_error_and_a_rejection_is_not() {
    start();
    let app = builder(&MemoryLog::new()).without_policies().build().await.unwrap();
    let ((context, trace, _), order) = (came(1), OrderId::new());
    let bus = app.commands().with_meta(Meta::new().trace(context));
    bus.execute(PackOrder { order }).await.unwrap_err();
    bus.execute(BreakDown {}).await.unwrap_err();
    let (missing, broken) = (one(trace, "command PackOrder").await, one(trace, "command BreakDown").await);
    assert_eq!((&missing.status, attribute(&missing, "cqrs.outcome").as_deref()), (&Status::Unset, Some("NotFound")));
    assert_eq!(attribute(&broken, "cqrs.outcome").as_deref(), Some("Panicked"));
    assert!(matches!(broken.status, Status::Error { .. }), "{:?}", broken.status);
}

#[tokio::test]
async fn a_query_is_in_its_callers_trace() {
    start();
    let app = builder(&MemoryLog::new()).without_policies().build().await.unwrap();
    let (context, trace, remote) = came(1);
    assert_eq!(app.queries().with_meta(Meta::new().trace(context)).ask(Answer {}).await.unwrap(), 42);
    let query = one(trace, "query Answer").await;
    assert_eq!(query.parent_span_id, remote);
    assert_eq!(attribute(&query, "cqrs.outcome").as_deref(), Some("Ok"));
}

#[tokio::test]
async fn if_the_apps_spans_are_filtered_out_events_have_the_surrounding_trace() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("quiet"));
    let quiet = layer.with_filter(Targets::new().with_default(tracing::Level::INFO).with_target("cqrs_runtime", None));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(quiet));
    let app = builder(&MemoryLog::new()).without_policies().build().await.unwrap();

    let order = OrderId::new();
    let caller = tracing::info_span!("caller");
    app.commands().execute(PayOrder { order }).instrument(caller).await.unwrap();
    let stored = traces_of(&app, order).await.remove(0).1.unwrap();
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["caller"]);
    assert_eq!(stored.span_id(), id(&spans[0]).to_bytes());

    let (order, (came, ..)) = (OrderId::new(), came(1));
    app.commands().with_meta(Meta::new().trace(came.clone())).execute(PayOrder { order }).await.unwrap();
    assert_eq!(traces_of(&app, order).await.remove(0).1, Some(came), "the request's trace takes precedence");

    let order = OrderId::new();
    let (trace, span) = (TraceId::from_bytes([3; 16]), SpanId::from_bytes([4; 8]));
    let elsewhere = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default());
    let elsewhere = opentelemetry::Context::new().with_remote_span_context(elsewhere);
    app.commands().execute(PayOrder { order }).with_context(elsewhere).await.unwrap();
    let stored = traces_of(&app, order).await.remove(0).1.unwrap();
    assert_eq!(
        (stored.trace_id(), stored.span_id()),
        ([3; 16], [4; 8]),
        "OpenTelemetry's own context, without `tracing`"
    );
}

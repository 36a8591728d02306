//! One trace from the caller to the reactions to the events.

use std::time::Duration;

use cqrs_runtime::TraceContext;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use opentelemetry::trace::{SpanKind, TraceContextExt, TraceId};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::exported::{attribute, id, one, spans, start};
use crate::orders::{OrderId, PayOrder, builder, traces_of};

/// A caller's span, such as that of an HTTP layer, and its trace.
fn caller() -> (tracing::Span, TraceId) {
    start();
    let span = tracing::info_span!("POST /orders");
    let trace = span.context().span().span_context().trace_id();
    (span, trace)
}

/// Checks that a payment inside a caller's span and all its consequences are one trace, in the
/// spans and in the log.
async fn assert_chained(app: &App, order: OrderId, caller: tracing::Span, trace: TraceId) {
    drop(caller);
    let (post, pay) = (one(trace, "POST /orders").await, one(trace, "command PayOrder").await);
    let (policy, pack) = (one(trace, "policy packing").await, one(trace, "command PackOrder").await);
    let parents = [&pay, &policy, &pack].map(|span| span.parent_span_id);
    assert_eq!(parents, [id(&post), id(&pay), id(&policy)], "each is a child of its cause");
    assert_eq!(policy.span_kind, SpanKind::Consumer);
    let stored = |span| {
        let context = TraceContext::new(trace.to_bytes(), id(span).to_bytes(), 1).unwrap();
        Some((context.trace_id(), context.span_id(), true))
    };
    let traces = traces_of(app, order).await;
    let in_log: Vec<_> = traces
        .iter()
        .map(|(name, trace)| (&**name, trace.as_ref().map(|t| (t.trace_id(), t.span_id(), t.is_sampled()))))
        .collect();
    assert_eq!(
        in_log,
        [("OrderPaid", stored(&pay)), ("OrderPacked", stored(&pack))],
        "the span that emitted the event"
    );
    let paid = traces[0].1.as_ref().unwrap().to_string();
    assert_eq!(attribute(&policy, "cqrs.traceparent"), Some(paid));
}

#[tokio::test]
async fn a_policy_continues_the_trace_of_the_command_that_it_follows() {
    let log = MemoryLog::new();
    let app = builder(&log).build().await.unwrap();
    let ((caller, trace), order) = (caller(), OrderId::new());
    app.commands().execute(PayOrder { order }).instrument(caller.clone()).await.unwrap();
    app.settled().await.unwrap();
    assert_chained(&app, order, caller, trace).await;
}

#[tokio::test]
async fn another_process_continues_the_trace_in_the_log() {
    let log = MemoryLog::new();
    let ((caller, trace), order) = (caller(), OrderId::new());
    // A policy that is new to a log starts at its end: this app registers it.
    drop(builder(&log).build().await.unwrap());
    let here = builder(&log).without_policies().build().await.unwrap();
    here.commands().execute(PayOrder { order }).instrument(caller.clone()).await.unwrap();
    drop(here);
    assert!(spans(trace).iter().all(|span| span.name != "policy packing"), "nobody runs it yet");
    let there = builder(&log).poll_interval(Duration::from_millis(1)).build().await.unwrap();
    there.settled().await.unwrap();
    assert_chained(&there, order, caller, trace).await;
}

#[tokio::test]
async fn an_app_without_traces_still_passes_on_those_of_the_log() {
    start();
    let log = MemoryLog::new();
    let app = App::builder().log(log.clone()).build().await.unwrap();
    let (order, came) = (OrderId::new(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let came: TraceContext = came.parse().unwrap();
    app.commands().with_meta(Meta::new().trace(came.clone())).execute(PayOrder { order }).await.unwrap();
    app.settled().await.unwrap();
    let traces: Vec<_> = traces_of(&app, order).await.into_iter().map(|(_, trace)| trace).collect();
    assert_eq!(traces, [Some(came.clone()), Some(came)], "unchanged, also with the policy's command");
}

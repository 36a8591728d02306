//! Metrics: each one changes, and by the right amount.

use std::collections::BTreeSet;
use std::time::Duration;

use cqrs_runtime::AppBuilder;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog, RawEvent};
use cqrs_runtime::prelude::*;
use cqrs_runtime::telemetry::metrics::{ALL, Measure};
use metrics::Unit;

use crate::domains::club::happen;
use crate::domains::doors::*;
use crate::torn_commits::torn_views;

mod recorder;

use recorder::Recorder;

/// Sends the metrics of apps that this thread builds from here on to a recorder.
fn recorder() -> (&'static Recorder, metrics::LocalRecorderGuard<'static>) {
    let recorder: &'static Recorder = Box::leak(Box::default());
    (recorder, metrics::set_default_local_recorder(recorder))
}

fn builder(log: &MemoryLog) -> AppBuilder {
    App::builder().log(log.clone()).only_modules([DOORS]).metrics_interval(Duration::from_millis(1))
}

async fn open(app: &App, width: u32) -> DoorId {
    let door = DoorId::new();
    app.commands().execute(OpenDoor { door, width }).await.unwrap();
    door
}

#[allow(clippy::float_cmp, reason = "counts")]
#[tokio::test]
async fn commands_and_queries_are_counted_by_what_they_came_to_and_timed() {
    let (metrics, _guard) = recorder();
    let app = builder(&MemoryLog::new()).without_policies().build().await.unwrap();
    assert_eq!(metrics.get("cqrs_commands_total{command=OpenDoor,outcome=Ok}"), 0.0);
    let door = open(&app, 1).await;
    open(&app, 2).await;
    app.commands().execute(CloseDoor { door }).await.unwrap();
    app.commands().execute(CloseDoor { door }).await.unwrap_err();
    app.commands().execute(CloseDoor { door }).await.unwrap_err();
    app.commands().execute(CloseDoor { door: DoorId::new() }).await.unwrap_err();
    let closed = |outcome: &str| metrics.get(&format!("cqrs_commands_total{{command=CloseDoor,outcome={outcome}}}"));
    assert_eq!(metrics.get("cqrs_commands_total{command=OpenDoor,outcome=Ok}"), 2.0);
    assert_eq!([closed("Ok"), closed("Rejected"), closed("NotFound")], [1.0, 2.0, 1.0]);
    let took = metrics.recorded("cqrs_command_duration_seconds{command=CloseDoor}");
    assert!(took.len() == 4 && took.iter().all(|&took| took > 0.0 && took < 60.0), "{took:?}");

    app.queries().ask(AllDoors {}).await.unwrap();
    let late = app.queries().after(Position::new(99)).within(Duration::from_millis(20)).ask(AllDoors {}).await;
    late.unwrap_err();
    let asked = |outcome: &str| metrics.get(&format!("cqrs_queries_total{{query=AllDoors,outcome={outcome}}}"));
    assert_eq!([asked("Ok"), asked("NotYet")], [1.0, 1.0]);
    let took = metrics.recorded("cqrs_query_duration_seconds{query=AllDoors}");
    assert!(took.len() == 2 && took[1] >= 0.02, "the wait counts: {took:?}");
}

#[allow(clippy::float_cmp, clippy::cast_precision_loss, reason = "counts")]
#[tokio::test]
async fn batches_events_and_loaded_aggregates_are_counted() {
    let (metrics, _guard) = recorder();
    let log = MemoryLog::new();
    let door = DoorId::new();
    happen(&log, vec![RawEvent::of(&DoorOpened { door, width: 1 }).unwrap()]).await;
    let app = builder(&log).without_policies().build().await.unwrap();
    let held = log.begin().await.unwrap();
    let commands: Vec<_> = (0..20).map(|_| tokio::spawn(async_open(app.clone()))).collect();
    // One batch waits for the lock, and the rest for that batch.
    while metrics.recorded("cqrs_sequencer_batch_commands{}").is_empty() {
        tokio::task::yield_now().await;
    }
    let taken = metrics.recorded("cqrs_sequencer_batch_commands{}")[0];
    metrics.comes_to("cqrs_sequencer_queue_depth{}", 20.0 - taken).await;
    drop(held);
    for command in commands {
        command.await.unwrap();
    }
    metrics.comes_to("cqrs_sequencer_queue_depth{}", 0.0).await;
    let batches = metrics.recorded("cqrs_sequencer_batch_commands{}");
    assert_eq!(batches.iter().sum::<f64>(), 20.0, "{batches:?}");
    assert_eq!(metrics.get("cqrs_events_appended_total{}"), 20.0);
    assert_eq!(metrics.recorded("cqrs_append_duration_seconds{}").len(), batches.len());
    metrics.comes_to("cqrs_log_head_position{}", 21.0).await;

    let loaded = |from: &str| metrics.get(&format!("cqrs_aggregates_loaded_total{{from={from}}}"));
    assert_eq!([loaded("memory"), loaded("snapshot"), loaded("events")], [0.0, 0.0, 20.0]);
    app.commands().execute(CloseDoor { door }).await.unwrap();
    app.commands().execute(CloseDoor { door }).await.unwrap_err();
    assert_eq!([loaded("memory"), loaded("snapshot"), loaded("events")], [1.0, 0.0, 21.0]);
}

async fn async_open(app: App) {
    open(&app, 1).await;
}

#[allow(clippy::float_cmp, clippy::cast_precision_loss, reason = "counts")]
#[tokio::test]
async fn projections_tell_where_they_stand_what_they_folded_and_what_is_parked() {
    for level_2 in [false, true] {
        let (metrics, _guard) = recorder();
        let (log, views) = (MemoryLog::new(), torn_views());
        let mut builder = builder(&log).without_policies();
        if level_2 {
            builder = builder.views(views.clone()).projection_batch(2);
        }
        let app = builder.build().await.unwrap();
        let of = |metric: &str| format!("cqrs_projection_{metric}{{projection=DoorCard}}");
        for width in [1, UNSHOWN, 3] {
            let door = open(&app, width).await;
            app.commands().execute(CloseDoor { door }).await.unwrap();
        }
        let noted = RawEvent::of(&ClosingNoted { door: DoorId::new() }).unwrap();
        let at = happen(&log, vec![noted]).await;
        app.caught_up(at, Duration::from_secs(20)).await.unwrap();
        metrics.comes_to(&of("position"), 7.0).await;
        metrics.comes_to(&of("parked_keys"), 1.0).await;
        metrics.comes_to(&of("lag_events"), 0.0).await;
        let all = log.read(&EventQuery::named(&["DoorOpened", "DoorClosed"]), Position::START, 99).await.unwrap();
        assert_eq!(metrics.get(&of("events_total")), all.events.len() as f64, "what it listens to, once");
        app.rebuild("DoorCard").await.unwrap();
        assert_eq!(metrics.get(&of("events_total")), 12.0, "and once more");
        assert_eq!(metrics.get(&of("failures_total")), 0.0);
        if !level_2 {
            continue;
        }

        views.refuse(Some("DoorCard"));
        open(&app, 1).await;
        metrics.comes_to(&of("lag_events"), 1.0).await;
        while metrics.get(&of("failures_total")) < 2.0 || metrics.get(&of("lag_seconds")) <= 0.0 {
            tokio::task::yield_now().await;
        }
        views.refuse(None);
        metrics.comes_to(&of("position"), 8.0).await;
        metrics.comes_to(&of("lag_seconds"), 0.0).await;

        let many: Vec<_> = (0..2_000).map(|_| DoorOpened { door: DoorId::new(), width: 1 }).collect();
        let at = happen(&log, many.iter().map(|event| RawEvent::of(event).unwrap()).collect()).await;
        app.caught_up(at, Duration::from_secs(60)).await.unwrap();
        let rebuilding = tokio::spawn({
            let app = app.clone();
            async move { app.rebuild("DoorCard").await }
        });
        let mut furthest: f64 = 0.0;
        while !rebuilding.is_finished() {
            furthest = furthest.max(metrics.get(&of("rebuild_position")));
            tokio::task::yield_now().await;
        }
        rebuilding.await.unwrap().unwrap();
        assert!(furthest > 0.0 && furthest <= 2_008.0, "a thousand pages, and it was never seen at one");
        metrics.comes_to(&of("rebuild_position"), 0.0).await;
    }
}

#[allow(clippy::float_cmp, reason = "counts")]
#[tokio::test]
async fn policies_tell_how_far_they_are_what_they_handled_and_what_is_parked() {
    let (metrics, _guard) = recorder();
    let app = builder(&MemoryLog::new()).build().await.unwrap();
    for width in [1, UNNOTED, 3] {
        let door = open(&app, width).await;
        app.commands().execute(CloseDoor { door }).await.unwrap();
    }
    let head = app.settled().await.unwrap();
    assert_eq!(head, 8, "three opened, three closed, two noted");
    assert_eq!(metrics.get("cqrs_policy_events_total{policy=noting}"), 3.0);
    metrics.comes_to("cqrs_policy_position{policy=noting}", 8.0).await;
    metrics.comes_to("cqrs_policy_parked{policy=noting}", 1.0).await;
    app.dismiss_policy("noting").await.unwrap();
    metrics.comes_to("cqrs_policy_parked{policy=noting}", 0.0).await;
}

#[tokio::test]
async fn every_figure_is_described_with_its_unit_and_no_other_is_told() {
    let (metrics, _guard) = recorder();
    let app = builder(&MemoryLog::new()).views(torn_views()).build().await.unwrap();
    open(&app, 1).await;
    app.queries().ask(AllDoors {}).await.unwrap();
    let told: BTreeSet<(String, Vec<String>)> = metrics
        .names()
        .iter()
        .map(|name| {
            let (name, labels) = name.trim_end_matches('}').split_once('{').unwrap();
            let keys = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
            (name.to_owned(), keys.collect())
        })
        .collect();
    let listed: BTreeSet<(String, Vec<String>)> = ALL
        .iter()
        .map(|metric| (metric.name.to_owned(), metric.labels.iter().map(|&label| label.to_owned()).collect()))
        .collect();
    assert_eq!(told, listed);
    for metric in ALL {
        let unit = if metric.measure == Measure::Seconds { Unit::Seconds } else { Unit::Count };
        assert_eq!(metrics.unit(metric.name), Some(unit), "{}", metric.name);
        assert_eq!(metric.name.contains("_seconds"), unit == Unit::Seconds, "{}", metric.name);
    }
}

//! The causes of degraded health, and the messages that health then shows.

use std::time::{Duration, Instant};

use cqrs_runtime::AppBuilder;
use cqrs_runtime::app::{Health, HealthStatus};
use cqrs_runtime::event::{EventHeader, RecordedEvent};
use cqrs_runtime::log::{EventLog, MemoryLog, RawEvent};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::MemoryViews;

use crate::domains::club::happen;
use crate::domains::doors::*;
use crate::faulty_store::{FaultyStore, StoreFault};
use crate::torn_commits::torn_views;

fn level_1(log: impl EventLog) -> AppBuilder {
    App::builder().log(log).only_modules([DOORS])
}

/// The status, and which parts have problems, each with what is wrong of it.
fn parts(health: &Health) -> (HealthStatus, Vec<(&str, &str)>) {
    assert!(health.problems.iter().all(|problem| !problem.remedy.is_empty()), "{health}");
    (health.status, health.problems.iter().map(|problem| (&*problem.part, &*problem.what)).collect())
}

/// That this is the one problem.
fn assert_one(health: &Health, status: HealthStatus, part: &str, what: &str) {
    let (found, problems) = parts(health);
    assert!(found == status && problems.len() == 1, "{health}");
    assert!(problems[0].0 == part && problems[0].1.contains(what), "{health}");
}

/// Looks until it finds the app so.
async fn until(app: &App, wanted: impl Fn(&Health) -> bool) -> Health {
    let started = Instant::now();
    loop {
        let health = app.health().await;
        if wanted(&health) {
            return health;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{health}");
        tokio::task::yield_now().await;
    }
}

fn is_healthy(health: &Health) -> bool {
    health.status == HealthStatus::Healthy
}

#[tokio::test]
async fn an_app_that_does_what_it_should_is_healthy_at_both_levels() {
    for level_2 in [false, true] {
        let mut builder = level_1(MemoryLog::new());
        if level_2 {
            builder = builder.views(MemoryViews::new());
        }
        let app = builder.build().await.unwrap();
        let door = DoorId::new();
        app.commands().execute(OpenDoor { door, width: 1 }).await.unwrap();
        app.commands().execute(CloseDoor { door }).await.unwrap();
        app.settled().await.unwrap();
        let health = app.health().await;
        assert_eq!(parts(&health), (HealthStatus::Healthy, vec![]));
        assert!(health.is_ready() && health.is_alive());
        assert_eq!(serde_json::to_string(&health).unwrap(), r#"{"status":"healthy","alive":true,"problems":[]}"#);
    }
}

#[tokio::test]
async fn a_log_that_fails_or_hangs_makes_it_unhealthy_in_time() {
    let log = FaultyStore::new(MemoryLog::new());
    let app = level_1(log.clone()).without_policies().build().await.unwrap();
    log.has(StoreFault::Fails);
    assert_one(&app.health().await, HealthStatus::Unhealthy, "log", "it is away");
    log.has(StoreFault::Hangs);
    let started = Instant::now();
    let health = app.health_within(Duration::from_millis(100)).await;
    assert!(started.elapsed() < Duration::from_secs(5), "it hangs with the log: {:?}", started.elapsed());
    assert_one(&health, HealthStatus::Unhealthy, "log", "the faulty log is unavailable: no answer for");
    assert!(!health.is_ready() && health.is_alive(), "a restart would not help");
    log.has(StoreFault::None);
    assert!(is_healthy(&app.health().await));
}

#[tokio::test]
async fn a_read_side_that_fails_or_hangs_makes_it_unhealthy_in_time() {
    let views = FaultyStore::new(MemoryViews::new());
    let app = level_1(MemoryLog::new()).views(views.clone()).without_policies().build().await.unwrap();
    views.has(StoreFault::Fails);
    assert_one(&app.health().await, HealthStatus::Unhealthy, "read side", "it is away");
    views.has(StoreFault::Hangs);
    let started = Instant::now();
    let health = app.health_within(Duration::from_millis(100)).await;
    assert!(started.elapsed() < Duration::from_secs(5), "it hangs with the views: {:?}", started.elapsed());
    assert_one(&health, HealthStatus::Unhealthy, "read side", "the faulty views is unavailable: no answer for");
    views.has(StoreFault::None);
    until(&app, is_healthy).await;
}

#[tokio::test]
async fn parked_keys_show_at_both_levels() {
    for level_2 in [false, true] {
        let mut builder = level_1(MemoryLog::new()).without_policies();
        if level_2 {
            builder = builder.views(MemoryViews::new());
        }
        let app = builder.build().await.unwrap();
        let doors = [DoorId::new(), DoorId::new()];
        app.commands().execute(OpenDoor { door: DoorId::new(), width: 1 }).await.unwrap();
        let mut at = Position::START;
        for door in doors {
            at = app.commands().execute(OpenDoor { door, width: UNSHOWN }).await.unwrap().position();
        }
        app.caught_up(at, Duration::from_secs(20)).await.unwrap();
        let health = app.health().await;
        assert_one(
            &health,
            HealthStatus::Degraded,
            "projection `DoorCard`",
            "2 keys are parked, the first at position 2 (DoorOpened)",
        );
        assert!(health.problems[0].remedy.contains("App::retry(\"DoorCard\", KEY)"), "{health}");
        assert!(health.is_ready());
        for door in doors {
            app.skip("DoorCard", &door.to_string()).await.unwrap();
        }
        assert!(is_healthy(&app.health().await));
    }
}

#[tokio::test]
async fn what_a_policy_parks_and_what_holds_it_up_show() {
    let log = FaultyStore::new(MemoryLog::new());
    let app = level_1(log.clone()).poll_interval(Duration::from_millis(1)).build().await.unwrap();
    let door = DoorId::new();
    app.commands().execute(OpenDoor { door, width: UNNOTED }).await.unwrap();
    app.commands().execute(CloseDoor { door }).await.unwrap();
    app.settled().await.unwrap();
    let health = app.health().await;
    assert_one(
        &health,
        HealthStatus::Degraded,
        "policy `noting`",
        "1 event or command is parked, the first at position 2 (DoorClosed)",
    );
    app.dismiss_policy("noting").await.unwrap();
    assert!(is_healthy(&app.health().await));

    log.has(StoreFault::NoLock);
    let opened = RawEvent::of(&DoorOpened { door: DoorId::new(), width: 1 }).unwrap();
    let closed = RawEvent::of(&DoorClosed { door: DoorId::new() }).unwrap();
    happen(&log.inner, vec![opened, closed]).await;
    let health =
        until(&app, |health| health.problems.iter().any(|problem| problem.what.contains("keeps failing"))).await;
    assert_one(&health, HealthStatus::Degraded, "policy `noting`", "it keeps failing after position");
    log.has(StoreFault::None);
    // The closed door was never there: its note is refused for good, and parked.
    until(&app, |health| health.problems.iter().all(|problem| !problem.what.contains("keeps failing"))).await;
}

#[tokio::test]
async fn a_projection_that_fails_is_paused_or_falls_behind_shows() {
    let (log, views) = (MemoryLog::new(), torn_views());
    let app = level_1(log.clone()).views(views.clone()).without_policies().build().await.unwrap();
    views.refuse(Some("DoorCard"));
    app.commands().execute(OpenDoor { door: DoorId::new(), width: 1 }).await.unwrap();
    let health = until(&app, |health| !is_healthy(health)).await;
    assert_one(&health, HealthStatus::Degraded, "projection `DoorCard`", "it has failed");
    views.refuse(None);
    until(&app, is_healthy).await;

    app.pause("DoorCard").await.unwrap();
    assert_one(&app.health().await, HealthStatus::Degraded, "projection `DoorCard`", "it is paused at position 1");
    let mut tx = log.begin().await.unwrap();
    let event = RawEvent::of(&DoorOpened { door: DoorId::new(), width: 1 }).unwrap();
    let an_hour_ago = Timestamp::from_micros(Timestamp::now().as_micros() - 3_600_000_000).unwrap();
    let header = EventHeader {
        position: Position::new(2),
        id: Uuid::now_v7(),
        name: event.name.into(),
        version: event.version,
        tags: event.tags,
        meta: Meta::new().into(),
        recorded_at: an_hour_ago,
    };
    tx.append(&[RecordedEvent::new(header, event.data.into())], &[]).await.unwrap();
    tx.commit().await.unwrap();
    let health = app.health().await;
    let (status, problems) = parts(&health);
    assert!(status == HealthStatus::Degraded && problems.len() == 2, "{health}");
    assert!(problems[1].1.starts_with("it is 360"), "an hour, in seconds: {health}");
    app.resume("DoorCard").await.unwrap();
    until(&app, is_healthy).await;
}

#[tokio::test]
async fn a_full_queue_a_stopped_sequencer_and_a_closed_app_show() {
    let log = FaultyStore::new(MemoryLog::new());
    let app = level_1(log.clone()).views(MemoryViews::new()).command_queue_capacity(1).build().await.unwrap();
    let held = log.inner.begin().await.unwrap();
    let commands: Vec<_> = (0..3)
        .map(|_| {
            let bus = app.commands();
            tokio::spawn(async move { bus.execute(OpenDoor { door: DoorId::new(), width: 1 }).await })
        })
        .collect();
    let health = until(&app, |health| !is_healthy(health)).await;
    assert_one(&health, HealthStatus::Degraded, "sequencer", "its queue is full: 1 commands wait");
    drop(held);
    for command in commands {
        command.await.unwrap().unwrap();
    }
    until(&app, is_healthy).await;

    let closed = level_1(log.clone()).views(MemoryViews::new()).build().await.unwrap();
    closed.clone().close().await;
    let health = closed.health().await;
    assert_one(&health, HealthStatus::Unhealthy, "sequencer", "the app was closed");
    assert!(!health.is_ready() && health.is_alive(), "{health}");

    log.has(StoreFault::Panics);
    app.commands().execute(OpenDoor { door: DoorId::new(), width: 1 }).await.unwrap_err();
    let health = until(&app, |health| !health.is_alive()).await;
    assert_eq!(health.problems[0].part, "sequencer", "the worst first: {health}");
    assert!(!health.is_ready() && health.to_string().starts_with("unhealthy\n- sequencer: it has stopped"), "{health}");
}

//! Each number in a projection's status, compared with the actual state.

use std::time::{Duration, Instant};

use cqrs_runtime::app::{ProjectionState, ProjectionStatus};
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog, RawEvent};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::ViewStore;

use crate::domains::club::{happen, stored};
use crate::domains::doors::*;
use crate::torn_commits::{TornCommits, torn_views};

async fn doors(log: &MemoryLog, views: &TornCommits) -> App {
    App::builder().log(log.clone()).views(views.clone()).only_modules([DOORS]).without_policies().build().await.unwrap()
}

async fn status(app: &App) -> ProjectionStatus {
    app.projections().await.unwrap().remove(0)
}

fn opened() -> RawEvent {
    RawEvent::of(&DoorOpened { door: DoorId::new(), width: 1 }).unwrap()
}

/// An event that the projection does not listen to.
fn noted() -> RawEvent {
    RawEvent::of(&ClosingNoted { door: DoorId::new() }).unwrap()
}

#[allow(clippy::float_cmp, clippy::cast_precision_loss, reason = "seconds, and an exact 0")]
#[tokio::test]
async fn position_and_lag_are_what_the_stores_say() {
    let (log, views) = (MemoryLog::new(), torn_views());
    let app = doors(&log, &views).await;
    let at = happen(&log, vec![opened(), noted()]).await;
    app.caught_up(at, Duration::from_secs(20)).await.unwrap();
    let there = status(&app).await;
    assert_eq!((there.position, there.lag_events, there.lag_seconds), (at, 0, 0.0));
    assert_eq!((there.progress().fraction(), there.progress().time_left), (1.0, Some(Duration::ZERO)));

    app.pause("DoorCard").await.unwrap();
    let only_noted = happen(&log, vec![noted()]).await;
    let lacks_nothing = status(&app).await;
    assert_eq!((lacks_nothing.lag_events, lacks_nothing.lag_seconds), (1, 0.0), "no event of its own is missing");
    happen(&log, vec![opened(), opened()]).await;
    let behind = status(&app).await;
    let stored = views.checkpoint(stored(&app, "DoorCard")).await.unwrap().unwrap().position;
    assert_eq!((behind.position, behind.lag_events), (stored, log.head().await.unwrap().get() - stored.get()));
    let lacking = log.read(&EventQuery::all(), only_noted, 1).await.unwrap().events.remove(0);
    let age = || (Timestamp::now().as_micros() - lacking.header().recorded_at.as_micros()) as f64 / 1e6;
    let least = age();
    let lag = status(&app).await.lag_seconds;
    assert!((least..=age()).contains(&lag), "{lag} seconds, and the oldest that is lacking is {least} old");
}

/// A view of what the other one does not listen to, so that both read the log together.
mod notes {
    use cqrs_runtime::prelude::*;

    use crate::domains::doors::{ClosingNoted, DoorId};

    #[derive(View, Serialize, Deserialize)]
    pub struct Note {
        #[key]
        door: DoorId,
    }

    #[projection(on = [ClosingNoted])]
    impl Note {
        fn noted(event: &ClosingNoted) -> Self {
            Self { door: event.door }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
#[tokio::test]
async fn the_rate_counts_events_of_its_own_and_the_pace_positions() {
    let (log, views) = (MemoryLog::new(), torn_views());
    let started = Instant::now();
    let both = [DOORS.to_owned(), format!("{}::notes", module_path!())];
    let app = App::builder().log(log.clone()).views(views).only_modules(both).without_policies().build().await.unwrap();
    let mixed = (0..300).flat_map(|_| [opened(), noted(), noted()]).collect();
    let at = happen(&log, mixed).await;
    app.caught_up(at, Duration::from_secs(20)).await.unwrap();
    let (status, longest) = loop {
        let status = status(&app).await;
        if status.rate > 0.0 && status.pace > 0.0 {
            break (status, started.elapsed().as_secs_f64());
        }
        assert!(started.elapsed() < Duration::from_secs(20), "no rate: {status:?}");
        tokio::task::yield_now().await;
    };
    assert!((300.0 / longest..=300.0).contains(&status.rate), "300 in {longest} seconds at most: {}", status.rate);
    assert!((900.0 / longest..=900.0).contains(&status.pace), "900 in {longest} seconds at most: {}", status.pace);
}

#[tokio::test]
async fn a_rebuild_tells_how_far_it_has_come_also_while_it_fails() {
    let (log, views) = (MemoryLog::new(), torn_views());
    let app = doors(&log, &views).await;
    let at = happen(&log, vec![opened(), opened(), noted()]).await;
    app.caught_up(at, Duration::from_secs(20)).await.unwrap();
    views.refuse(Some("DoorCard@next"));
    let rebuilding = tokio::spawn({
        let app = app.clone();
        async move { app.rebuild("DoorCard").await }
    });
    let failing = loop {
        let status = status(&app).await;
        if matches!(status.state, ProjectionState::Failing(times) if times > 1) {
            break status;
        }
        tokio::task::yield_now().await;
    };
    let progress = failing.progress();
    assert_eq!((progress.at, progress.of, progress.time_left), (Position::START, at, None), "{failing:?}");
    assert_eq!(failing.position, at, "what is read stays where it is");
    assert!(failing.last_error.unwrap().contains("it takes no such rows"));
    views.refuse(None);
    assert_eq!(rebuilding.await.unwrap().unwrap(), at);
    let there = status(&app).await;
    assert_eq!((there.progress().at, there.last_error), (at, None));
}

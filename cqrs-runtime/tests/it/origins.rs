//! A read database belongs to one log, and never shows events that the log has lost.

use std::time::{Duration, Instant};

use cqrs_runtime::BuildError;
use cqrs_runtime::app::{AppBuilder, ProjectionState};
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::MemoryViews;

use crate::domains::club::happen;
use crate::domains::tally::*;

const PATIENCE: Duration = Duration::from_secs(60);

fn builder(log: &MemoryLog, views: &MemoryViews) -> AppBuilder {
    App::builder().log(log.clone()).views(views.clone()).only_modules([TALLY])
}

/// A log of the first events of another: as a backup has them.
async fn restored(log: &MemoryLog, events: usize) -> MemoryLog {
    let events = log.read(&EventQuery::all(), Position::START, events).await.unwrap().events;
    let copy = MemoryLog::new();
    let mut tx = copy.begin().await.unwrap();
    tx.append(&events, &[]).await.unwrap();
    tx.commit().await.unwrap();
    copy
}

#[tokio::test]
async fn the_views_of_another_log_are_refused_when_the_app_is_built() {
    let (log, views, thing, label) = (MemoryLog::new(), MemoryViews::new(), ThingId::new(), LabelId::new());
    let app = builder(&log, &views).build().await.unwrap();
    let at = happen(&log, vec![begun(thing, label), counted(thing, label, 2)]).await;
    app.caught_up(at, PATIENCE).await.unwrap();

    let other = MemoryLog::new();
    for events in [vec![], vec![begun(thing, label), counted(thing, label, 2), counted(thing, label, 3)]] {
        happen(&other, events).await;
        // Another process has the leases at that.
        let refused = builder(&other, &views).build().await.expect_err("another log's views");
        assert!(matches!(refused, BuildError::Store(_)), "{refused}");
        let text = refused.to_string();
        assert!(text.contains("were folded from another log than") && text.contains("empty this one"), "{text}");
    }
    app.close().await;
    assert!(builder(&other, &views).build().await.is_err(), "nor when nobody runs them");
    let again = builder(&log, &views).build().await.unwrap();
    let (tallies, _) = again.queries().after(at).ask(Everything {}).await.unwrap();
    assert_eq!(tallies[0].total, 2);
    again.close().await;
    let copied = restored(&log, 100).await;
    builder(&copied, &views).build().await.expect("a log that was moved is the same log");
}

#[tokio::test]
async fn what_a_restored_log_has_lost_goes_from_the_views_too() {
    let (log, views, thing, label) = (MemoryLog::new(), MemoryViews::new(), ThingId::new(), LabelId::new());
    let app = builder(&log, &views).build().await.unwrap();
    let events =
        vec![begun(thing, label), counted(thing, label, 2), counted(thing, label, 40), counted(thing, label, 500)];
    let at = happen(&log, events).await;
    app.caught_up(at, PATIENCE).await.unwrap();
    app.close().await;

    let log = restored(&log, 2).await;
    let app = builder(&log, &views).build().await.unwrap();
    let at = happen(&log, vec![counted(thing, label, 1)]).await;
    assert_eq!(at, 3);
    // It has been at 4: whether what is read is of this log shows in what it says alone.
    let mut totals = Vec::new();
    let started = Instant::now();
    while totals.last() != Some(&3) {
        match app.queries().ask(Everything {}).await {
            Ok((tallies, counts)) => {
                let total = tallies[0].total;
                assert!([542, 2, 3].contains(&total), "the old view, or the new one: {total}");
                assert!(totals.last().is_none_or(|last| *last == 542 || *last <= total), "{totals:?}, {total}");
                totals.push(if counts[0].amounts == [2, 1] { total } else { 542 });
            }
            Err(error) => assert!(matches!(error, QueryError::NotBuilt(_)), "refused until it is rebuilt: {error}"),
        }
        assert!(started.elapsed() < PATIENCE, "what is lost is still reported: {totals:?}");
        tokio::task::yield_now().await;
    }
    app.caught_up(at, PATIENCE).await.unwrap();
    let states: Vec<_> =
        app.projections().await.unwrap().iter().map(|status| (status.state, status.position)).collect();
    assert_eq!(states, [(ProjectionState::Running, at); 3]);
}

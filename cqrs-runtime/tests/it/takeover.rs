//! Requests for a projection that another process runs: that process releases its lease, and acquires it again afterwards.

use std::time::Duration;

use cqrs_runtime::OperationError;
use cqrs_runtime::app::ProjectionState;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::ViewStore;

use crate::domains::club::{happen, stored};
use crate::domains::tally::*;
use crate::torn_commits::{TornCommits, torn_views};

const LEASE: Duration = Duration::from_millis(1_500);

/// One of several apps that share these views.
async fn app(log: &MemoryLog, views: &TornCommits) -> App {
    let builder = App::builder().log(log.clone()).only_modules([TALLY]).projection_batch(3);
    builder.views(views.clone()).projection_lease(LEASE).build().await.unwrap()
}

async fn state(app: &App, projection: &str) -> ProjectionState {
    let statuses = app.projections().await.unwrap();
    statuses.into_iter().find(|status| status.name == projection).unwrap().state
}

async fn holder(views: &TornCommits, lease: &'static str) -> Option<String> {
    views.holders(&[lease]).await.unwrap().remove(0)
}

/// Waits until it is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.expect("it should be this");
}

async fn amounts(app: &App, at: Position) -> Vec<i64> {
    app.queries().after(at).ask(Everything {}).await.unwrap().1.remove(0).amounts
}

#[tokio::test]
async fn a_key_is_retried_and_skipped_by_whichever_process_is_asked() {
    let (log, views, sick, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    set_sick(sick, true);
    let (server, operator) = (app(&log, &views).await, app(&log, &views).await);
    let key = sick.to_string();
    let at = happen(&log, [1, -2, 3, -4, 5].map(|amount| counted(sick, label, amount)).to_vec()).await;
    assert_eq!(amounts(&server, at).await, [1]);
    assert_eq!(state(&operator, "Counts").await, ProjectionState::Elsewhere);

    operator.skip("Counts", &key).await.unwrap();
    assert_eq!(amounts(&server, at).await, [1, 3], "without the event that was passed over, up to the next");
    set_sick(sick, false);
    operator.retry("Counts", &key).await.unwrap();
    assert_eq!(amounts(&server, at).await, [1, 3, -4, 5]);
    let error = operator.retry("Counts", &key).await.unwrap_err();
    assert!(matches!(error, OperationError::NotParked { .. }), "{error}");
    assert_eq!(holder(&views, stored(&server, "Counts@wanted")).await, None, "it is wanted no longer");
    drop(operator);
    until(async || state(&server, "Counts").await == ProjectionState::Running).await;
    let at = happen(&log, vec![counted(sick, label, 6)]).await;
    assert_eq!(amounts(&server, at).await, [1, 3, -4, 5, 6], "and it goes on where it was");
}

#[tokio::test]
async fn a_rebuild_is_begun_by_one_process_and_finished_by_another() {
    let (log, views, thing, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    let (server, operator) = (app(&log, &views).await, app(&log, &views).await);
    let all: Vec<i64> = (0..40).collect();
    let at = happen(&log, all.iter().map(|amount| counted(thing, label, *amount)).collect()).await;
    assert_eq!(amounts(&server, at).await, all);
    // The operator begins it, and the store refuses to go on: it is given back as it is.
    views.refuse(Some("Counts@next"));
    let (next, wanted) = (stored(&server, "Counts@next"), stored(&server, "Counts@wanted"));
    let rebuild = tokio::spawn(async move { operator.rebuild("Counts").await });
    until(async || views.checkpoint(next).await.unwrap().is_some()).await;
    until(async || holder(&views, wanted).await.is_none()).await;
    assert!(!rebuild.is_finished(), "nobody has finished it");
    assert_eq!(amounts(&server, Position::START).await, all, "what is read stays there");
    views.refuse(None);
    assert!(rebuild.await.unwrap().unwrap() >= at);
    assert_eq!(views.checkpoint(next).await.unwrap(), None, "it is in place when it is said to be");
    let at = happen(&log, vec![counted(thing, label, 40)]).await;
    assert_eq!(amounts(&server, at).await, (0..=40).collect::<Vec<_>>(), "each event is in it once");
}

#[tokio::test]
async fn what_is_wanted_is_left_alone_until_the_wish_runs_out() {
    let (log, views, thing, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    let server = app(&log, &views).await;
    let at = happen(&log, vec![counted(thing, label, 1)]).await;
    assert_eq!(amounts(&server, at).await, [1]);
    let wish = LEASE * 2;
    let (counts, wanted, tally) =
        (stored(&server, "Counts"), stored(&server, "Counts@wanted"), stored(&server, "Tally"));
    views.lease(&[wanted], "one who dies", wish).await.unwrap().remove(0).expect("nobody wants it");
    until(async || holder(&views, counts).await.is_none()).await;
    assert!(holder(&views, tally).await.is_some(), "it alone");
    assert_eq!(state(&server, "Counts").await, ProjectionState::Elsewhere);
    let at = happen(&log, vec![counted(thing, label, 2)]).await;
    until(async || {
        let (held, wanted) = (holder(&views, counts).await, holder(&views, wanted).await);
        assert!(held.is_none() || wanted.is_none(), "it is not taken back while it is wanted");
        held.is_some()
    })
    .await;
    assert_eq!(amounts(&server, at).await, [1, 2], "and it goes on by itself");
}

#[tokio::test]
async fn a_paused_projection_is_not_handed_over_and_the_operator_is_told() {
    let (log, views, sick, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    set_sick(sick, true);
    let (server, operator) = (app(&log, &views).await, app(&log, &views).await);
    let at = happen(&log, vec![counted(sick, label, -1)]).await;
    server.caught_up(at, Duration::from_secs(60)).await.unwrap();
    server.pause("Counts").await.unwrap();
    let error = operator.retry("Counts", &sick.to_string()).await.unwrap_err();
    assert!(matches!(&error, OperationError::NotHandedOver { projection, .. } if projection == "Counts"), "{error}");
    assert_eq!(holder(&views, "Counts@wanted").await, None, "who gives up wants it no longer");
    set_sick(sick, false);
    server.retry("Counts", &sick.to_string()).await.unwrap();
    assert_eq!(server.parked().await.unwrap().len(), 1, "that of the other projection");
    assert_eq!(state(&server, "Counts").await, ProjectionState::Paused, "by the process that has it");
}

#[tokio::test]
async fn a_long_retry_holds_up_no_other_projection() {
    let (log, views, sick, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    set_sick(sick, true);
    let app = app(&log, &views).await;
    let mut events = vec![begun(sick, label), counted(sick, label, -1)];
    events.extend((0..2_000).map(|number| labelled(label, &number.to_string())));
    let at = happen(&log, events).await;
    app.caught_up(at, Duration::from_secs(60)).await.unwrap();
    set_sick(sick, false);
    let retrying = app.clone();
    let retry = tokio::spawn(async move { retrying.retry("Tally", &sick.to_string()).await });
    let other = ThingId::new();
    for amount in 0..20 {
        let at = happen(&log, vec![counted(other, label, amount)]).await;
        let counts = app.queries().after(at).ask(JustCounts {}).await.unwrap();
        assert_eq!(counts[0].amounts.len(), usize::try_from(amount).unwrap() + 1);
        assert!(!retry.is_finished(), "the other gets on while some six hundred pages are taken up");
    }
    retry.await.unwrap().unwrap();
    let (tallies, _) = app.queries().ask(Everything {}).await.unwrap();
    assert_eq!((tallies[0].total, tallies[0].relabelled), (-1, 2_000));
}

//! Operating projections: parked keys, rebuilds, pauses, several runners, and their status.

use std::time::Duration;

use cqrs_runtime::OperationError;
use cqrs_runtime::app::ProjectionState;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog, RawEvent};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{MemoryViews, Parked, ViewStore};
use cqrs_runtime::wire::Named;

use crate::domains::club::{CLUB, MemberId, MemberJoined, MemberLeft, TeamId, happen, standing, stored};
use crate::domains::tally::*;
use crate::torn_commits::{TornCommits, torn_views};

/// An app of the tally at level 1, or at level 2 with these views.
async fn tally(log: &MemoryLog, views: Option<TornCommits>) -> App {
    let mut builder = App::builder().log(log.clone()).only_modules([TALLY]).projection_batch(3);
    if let Some(views) = views {
        builder = builder.views(views).projection_lease(Duration::from_millis(150));
    }
    builder.build().await.unwrap()
}

async fn seen(app: &App, at: Position) -> (Vec<Tally>, Vec<Counts>, Vec<Parked>) {
    let (tallies, counts) = app.queries().after(at).ask(Everything {}).await.unwrap();
    (tallies, counts, app.parked().await.unwrap())
}

/// What another app on the same log makes of it from the start.
async fn anew(log: &MemoryLog, at: Position) -> (Vec<Tally>, Vec<Counts>) {
    let copy = MemoryLog::new();
    let page = log.read(&EventQuery::all(), Position::START, 10_000).await.unwrap();
    let events = page.events.iter().map(|event| RawEvent {
        name: event.name().to_owned(),
        version: event.header().version,
        tags: event.tags().to_vec(),
        data: event.data().to_owned(),
    });
    happen(&copy, events.collect()).await;
    let (tallies, counts, parked) = seen(&tally(&copy, None).await, at).await;
    assert_eq!(parked, []);
    (tallies, counts)
}

/// A history in which the sick thing's key is parked at event 6, and much happens afterwards.
fn history(sick: ThingId, well: ThingId, label: LabelId, other: LabelId) -> Vec<RawEvent> {
    vec![
        labelled(label, "first"),
        begun(sick, label),
        begun(well, label),
        counted(sick, label, 5),
        counted(well, label, 7),
        counted(sick, label, -1),
        labelled(label, "second"),
        counted(sick, label, 2),
        counted(well, label, 1),
        labelled(other, "other"),
        labelled(label, "third"),
        counted(sick, label, 3),
        labelled(label, "fourth"),
    ]
}

#[tokio::test]
async fn a_retry_takes_up_the_key_where_it_stopped_and_leaves_the_others_alone() {
    for level_2 in [false, true] {
        let (log, views) = (MemoryLog::new(), level_2.then(torn_views));
        let (sick, well, label, other) = (ThingId::new(), ThingId::new(), LabelId::new(), LabelId::new());
        set_sick(sick, true);
        let app = tally(&log, views).await;
        let at = happen(&log, history(sick, well, label, other)).await;
        let (tallies, _, parked) = seen(&app, at).await;
        let key = sick.to_string();
        let places: Vec<_> = parked.iter().map(|p| (&*p.projection, &*p.key, p.position.get(), p.attempts)).collect();
        assert_eq!(places, [("Counts", &*key, 6, 1), ("Tally", &*key, 6, 1)]);
        let before = tallies.into_iter().find(|tally| tally.thing == sick).unwrap();
        assert_eq!((before.total, before.relabelled), (5, 0));

        app.retry("Tally", &key).await.unwrap();
        let (tallies, _, parked) = seen(&app, at).await;
        assert!(tallies.contains(&before), "it fails again, and nothing has changed");
        let places: Vec<_> = parked.iter().map(|p| (&*p.projection, p.position.get(), p.attempts)).collect();
        assert_eq!(places, [("Counts", 6, 1), ("Tally", 6, 2)], "but for the attempts");

        set_sick(sick, false);
        app.retry("Tally", &key).await.unwrap();
        app.retry("Counts", &key).await.unwrap();
        let (tallies, counts, parked) = seen(&app, at).await;
        assert_eq!(parked, []);
        assert_eq!((tallies, counts), anew(&log, at).await, "as if nothing had been wrong, look-ups included");

        let at = happen(&log, vec![counted(sick, label, 10), counted(well, label, 10)]).await;
        let (tallies, counts, _) = seen(&app, at).await;
        assert_eq!((tallies, counts), anew(&log, at).await, "and the key goes on");
    }
}

#[tokio::test]
async fn what_a_retry_looks_up_stands_where_it_is_parked_itself() {
    for level_2 in [false, true] {
        let (log, views) = (MemoryLog::new(), level_2.then(torn_views));
        let (sick, label) = (ThingId::new(), LabelId::new());
        set_sick(sick, true);
        let app = tally(&log, views).await;
        let events = vec![
            labelled(label, "first"),
            begun(sick, label),
            counted(sick, label, -1),
            labelled(label, "unspeakable"),
            labelled(label, "second"),
            counted(sick, label, 2),
        ];
        let at = happen(&log, events).await;
        seen(&app, at).await;
        set_sick(sick, false);
        app.retry("Tally", &sick.to_string()).await.unwrap();
        assert_eq!(seen(&app, at).await.0[0].texts, ["first", "first"], "as if it had never been parked");
    }
}

#[tokio::test]
async fn a_skip_passes_over_the_event_and_goes_on_with_the_later_ones() {
    for level_2 in [false, true] {
        let (log, views) = (MemoryLog::new(), level_2.then(torn_views));
        let (sick, well, label, other) = (ThingId::new(), ThingId::new(), LabelId::new(), LabelId::new());
        set_sick(sick, true);
        let app = tally(&log, views).await;
        let mut events = history(sick, well, label, other);
        events.push(counted(sick, label, -100));
        events.push(counted(sick, label, 20));
        let at = happen(&log, events).await;
        seen(&app, at).await;
        let key = sick.to_string();
        app.skip("Tally", &key).await.unwrap();
        let (tallies, counts, parked) = seen(&app, at).await;
        let tally = tallies.iter().find(|tally| tally.thing == sick).unwrap();
        assert_eq!((tally.total, tally.relabelled), (10, 3), "up to the next event that it cannot take");
        assert_eq!(tally.texts, ["first", "second", "third"], "each with the text of its time");
        let places: Vec<_> = parked.iter().map(|p| (&*p.projection, p.position.get(), p.attempts)).collect();
        assert_eq!(places, [("Counts", 6, 1), ("Tally", 14, 2)]);
        assert_eq!(counts.iter().find(|counts| counts.thing == sick).unwrap().amounts, [5], "the other is not touched");
        app.skip("Tally", &key).await.unwrap();
        let (tallies, _, _) = seen(&app, at).await;
        assert_eq!(tallies.iter().find(|tally| tally.thing == sick).unwrap().total, 30);
        let error = app.skip("Tally", &key).await.unwrap_err();
        let OperationError::NotParked { projection, key: named } = &error else { panic!("{error:?}") };
        assert_eq!((&**projection, &**named), ("Tally", &*key), "{error}");
        set_sick(sick, false);
    }
}

#[tokio::test]
async fn what_names_no_key_can_be_skipped_only() {
    for level_2 in [false, true] {
        let (log, views) = (MemoryLog::new(), level_2.then(torn_views));
        let lost = RawEvent { data: "[]".into(), tags: Vec::new(), ..counted(ThingId::new(), LabelId::new(), 1) };
        let app = tally(&log, views).await;
        let at = happen(&log, vec![lost]).await;
        assert_eq!(seen(&app, at).await.2.len(), 2);
        let error = app.retry("Counts", "@1").await.unwrap_err();
        let OperationError::NoKey { projection, position } = &error else { panic!("{error:?}") };
        assert_eq!((&**projection, position.get()), ("Counts", 1));
        assert!(error.to_string().contains("rebuild the projection, or skip"), "{error}");
        app.skip("Counts", "@1").await.unwrap();
        let parked = seen(&app, at).await.2;
        assert_eq!(parked.iter().map(|parked| &*parked.projection).collect::<Vec<_>>(), ["Tally"]);
    }
}

#[tokio::test]
async fn two_apps_share_the_views_and_both_read_what_was_written() {
    let (log, views, thing, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    let app = async || {
        let builder = App::builder().log(log.clone()).only_modules([TALLY]).views(views.clone());
        builder.projection_lease(Duration::from_secs(3)).build().await.unwrap()
    };
    let (one, other) = (app().await, app().await);
    for amount in 1..20 {
        let at = happen(&log, vec![counted(thing, label, amount)]).await;
        for app in [&one, &other] {
            let (_, counts, _) = seen(app, at).await;
            assert_eq!(counts[0].amounts, (1..=amount).collect::<Vec<_>>());
        }
    }
    let states = async |app: &App| -> Vec<ProjectionState> {
        app.projections().await.unwrap().into_iter().map(|status| status.state).collect()
    };
    assert_eq!(states(&one).await, [ProjectionState::Running; 3]);
    assert_eq!(states(&other).await, [ProjectionState::Elsewhere; 3], "one runs them");
    drop(one);
    let at = happen(&log, vec![counted(thing, label, 20)]).await;
    assert_eq!(seen(&other, at).await.1[0].amounts.len(), 20, "the other takes over");
    assert_eq!(states(&other).await, [ProjectionState::Running; 3]);
}

#[tokio::test]
async fn the_end_of_an_app_gives_its_projections_back() {
    let (log, views) = (MemoryLog::new(), torn_views());
    let builder = App::builder().log(log).only_modules([TALLY]).views(views.clone());
    let app = builder.projection_lease(Duration::from_secs(3_600)).build().await.unwrap();
    let commands = app.commands();
    let counts = stored(&app, "Counts");
    let stranger = async || views.lease(&[counts], "stranger", Duration::ZERO).await.unwrap().remove(0);
    assert_eq!(stranger().await, None);
    drop(app);
    tokio::task::yield_now().await;
    assert_eq!(stranger().await, None, "a bus is the app still");
    drop(commands);
    let given_back = async {
        while stranger().await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), given_back).await.expect("long before the lease runs out");
}

#[tokio::test]
async fn who_wakes_up_after_its_lease_puts_nothing_back() {
    let (log, views, thing, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    let holder = tally(&log, Some(views.clone())).await;
    let at = happen(&log, vec![begun(thing, label), counted(thing, label, 1)]).await;
    seen(&holder, at).await;
    views.stall(true);
    happen(&log, vec![counted(thing, label, 2)]).await;
    let other = tally(&log, Some(views.another())).await;
    let at = happen(&log, vec![counted(thing, label, 3), labelled(label, "x")]).await;
    let after = seen(&other, at).await;
    assert_eq!(after.1[0].amounts, [1, 2, 3]);
    views.stall(false);
    assert!(!views.late_commit().await, "the late commit is refused");
    assert_eq!(seen(&other, at).await, after, "and has changed nothing");
    assert_eq!(seen(&holder, at).await, after);
}

#[tokio::test]
async fn who_wakes_up_late_brings_nothing_back_that_began_and_ended_meanwhile() {
    let (log, views, team, member) = (MemoryLog::new(), torn_views(), TeamId::new(), MemberId::new());
    let app = async |views| {
        let builder = App::builder().log(log.clone()).views(views).only_modules([CLUB]);
        builder.projection_lease(Duration::from_millis(150)).build().await.unwrap()
    };
    let holder = app(views.clone()).await;
    views.stall(true);
    happen(&log, vec![RawEvent::of(&MemberJoined { member, team }).unwrap()]).await;
    // It holds the row in its hands when it is stopped.
    views.is_waited_for().await;
    let at = happen(&log, vec![RawEvent::of(&MemberLeft { member }).unwrap()]).await;
    let other = app(views.another()).await;
    assert_eq!(standing(&other, at).await.1, []);
    views.stall(false);
    assert!(!views.late_commit().await);
    assert_eq!(standing(&other, at).await.1, []);
    drop(holder);
}

#[tokio::test]
async fn a_view_that_the_store_refuses_holds_up_no_other() {
    let (log, views, thing, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    let app = tally(&log, Some(views.clone())).await;
    views.refuse(Some("Counts"));
    let at = happen(&log, vec![begun(thing, label), counted(thing, label, 1)]).await;
    let after = app.queries().after(at).within(Duration::from_millis(300));
    let error = after.ask(Everything {}).await.unwrap_err();
    assert!(matches!(&error, QueryError::NotYet(lag) if lag.view == "Counts"), "its queries wait: {error}");
    let statuses = app.projections().await.unwrap();
    let [counts, labels, tallies] = &statuses[..] else { panic!("three projections, not {statuses:?}") };
    assert!(matches!(counts.state, ProjectionState::Failing(_)), "{counts:?}");
    assert_eq!(counts.last_error.as_deref(), Some("the views without transactions failed: it takes no such rows"));
    assert_eq!((counts.position.get(), counts.lag_events), (0, 2));
    assert!(counts.lag_seconds > 0.0);
    assert_eq!((tallies.position, tallies.lag_events, tallies.lag_seconds), (at, 0, 0.0));
    assert_eq!((labels.state, tallies.state), (ProjectionState::Running, ProjectionState::Running));
    views.refuse(None);
    assert_eq!(seen(&app, at).await.1[0].amounts, [1], "and it goes on by itself");
}

#[tokio::test]
async fn a_paused_projection_stands_still_until_it_is_resumed() {
    let (log, views, thing, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    let app = tally(&log, Some(views)).await;
    app.pause("Counts").await.unwrap();
    let at = happen(&log, vec![begun(thing, label), counted(thing, label, 1)]).await;
    let hasty = app.queries().after(at).within(Duration::from_millis(200)).or_stale();
    let (tallies, counts) = hasty.ask(Everything {}).await.unwrap();
    assert_eq!((tallies[0].total, counts.len()), (1, 0), "it alone");
    let state = async || app.projections().await.unwrap()[0].state;
    assert_eq!(state().await, ProjectionState::Paused);
    app.resume("Counts").await.unwrap();
    assert_eq!(seen(&app, at).await.1.len(), 1);
    assert_eq!(state().await, ProjectionState::Running);
    let error = tally(&log, None).await.pause("Counts").await.unwrap_err();
    assert!(matches!(&error, OperationError::Inline { projection } if projection == "Counts"), "{error}");
}

#[tokio::test]
async fn a_misspelt_projection_is_answered_with_the_name_that_is_meant() {
    for level_2 in [false, true] {
        let app = tally(&MemoryLog::new(), level_2.then(torn_views)).await;
        let errors = [
            app.pause("Count").await.unwrap_err(),
            app.resume("Count").await.unwrap_err(),
            app.rebuild("Count").await.map(drop).unwrap_err(),
            app.retry("Count", "").await.unwrap_err(),
            app.skip("Count", "").await.unwrap_err(),
        ];
        for error in errors {
            let OperationError::Unknown(unknown) = &error else { panic!("{error:?}") };
            assert_eq!((unknown.what, &*unknown.name), (Named::Projection, "Count"));
            assert!(unknown.known.contains(&"Tally"), "{unknown:?}");
            assert_eq!(error.to_string(), "there is no projection `Count`; did you mean `Counts`?");
            assert_eq!(error.kind(), "Unknown");
        }
    }
}

#[tokio::test]
async fn a_rebuild_goes_on_beside_what_is_read_and_after_a_crash() {
    let (log, views, thing, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    set_sick(thing, true);
    let app = tally(&log, Some(views.clone())).await;
    let amounts: Vec<i64> = (0..30).collect();
    let mut events: Vec<_> = amounts.iter().map(|amount| counted(thing, label, *amount)).collect();
    events.push(counted(thing, label, -1));
    let at = happen(&log, events).await;
    let before = seen(&app, at).await;
    assert_eq!(before.1[0].amounts, amounts);
    let next = stored(&app, "Counts@next");
    // The fold is fixed, and the rebuild is cut short.
    set_sick(thing, false);
    views.fail_after(12);
    let rebuilding = app.clone();
    let rebuild = tokio::spawn(async move { rebuilding.rebuild("Counts").await });
    while views.is_to_fail() {
        assert_eq!(app.queries().ask(Everything {}).await.unwrap().1, before.1, "what is read stays as it was");
        tokio::task::yield_now().await;
    }
    rebuild.abort();
    drop((app, rebuild));
    let beside = async || views.checkpoint(next).await.unwrap().map(|checkpoint| checkpoint.position);
    let reached = beside().await.expect("it has begun");
    assert!(reached < at);
    let app = tally(&log, Some(views.clone())).await;
    let at = happen(&log, vec![counted(thing, label, 99)]).await;
    let in_place = async {
        while beside().await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), in_place).await.expect("it goes on where it was");
    let (_, counts, parked) = seen(&app, at).await;
    assert_eq!(counts[0].amounts, [amounts, vec![-1, 99]].concat(), "each event is in it once");
    assert_eq!(parked.iter().map(|parked| &*parked.projection).collect::<Vec<_>>(), ["Tally"; 1]);
    assert_eq!(app.rebuild("Tally").await.unwrap(), at, "and one to its end");
    assert_eq!(seen(&app, at).await.2.len(), 1, "of what was never begun");
}

#[tokio::test]
async fn ten_views_that_are_built_together_read_the_log_once() {
    let (log, thing, label) = (MemoryLog::new(), ThingId::new(), LabelId::new());
    let at = happen(&log, (0..100).map(|amount| counted(thing, label, amount)).collect()).await;
    let counting = crate::counting::Counting::new(log.clone());
    let reads = counting.reads();
    let builder = App::builder().log(counting).views(MemoryViews::new()).only_modules([TALLY]).projection_batch(10);
    let app = builder.build().await.unwrap();
    seen(&app, at).await;
    // Ten pages, and two looks at the end at most.
    let (before, most) = (reads.get(), 12);
    assert!(before <= most, "{before} reads of ten pages by three projections");
}

#[tokio::test]
async fn a_closed_app_leaves_its_projections_to_the_next_one_at_once() {
    let (log, views) = (MemoryLog::new(), MemoryViews::new());
    // With so long a lease nobody gets what was not given back.
    let lease = Duration::from_secs(3_600);
    let build = async || {
        App::builder()
            .log(log.clone())
            .views(views.clone())
            .only_modules([TALLY])
            .projection_lease(lease)
            .build()
            .await
            .unwrap()
    };
    let states = async |app: &App| -> Vec<ProjectionState> {
        app.projections().await.unwrap().into_iter().map(|status| status.state).collect()
    };
    let (app, other) = (build().await, build().await);
    assert!(states(&other).await.iter().all(|state| *state == ProjectionState::Elsewhere));
    let clone = app.clone();
    app.close().await;
    let ended = clone.rebuild("Tally").await.unwrap_err();
    assert!(matches!(ended, OperationError::ShutDown), "{ended}");
    let next = build().await;
    assert!(states(&next).await.iter().all(|state| *state == ProjectionState::Running));
}

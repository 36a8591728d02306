//! Views in several databases: each is read and operated in its own database.

use std::sync::Arc;
use std::time::Duration;

use cqrs_runtime::app::{AppBuilder, ProjectionState};
use cqrs_runtime::log::{EventLog, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{MemoryViews, RowQuery, ViewShape, ViewStore};

use crate::domains::club::{happen, stored};
use crate::domains::tally::*;

fn builder(log: &MemoryLog) -> AppBuilder {
    App::builder().log(log.clone()).only_modules([TALLY]).projection_batch(3)
}

async fn keys(store: &dyn ViewStore, shape: &ViewShape) -> Vec<String> {
    store.prepare(shape).await.unwrap();
    let every = RowQuery::all();
    store.find(shape, &every).await.unwrap().into_iter().map(|row| row.key).collect()
}

async fn refusal(builder: AppBuilder) -> String {
    builder.build().await.expect_err("the app must be refused").to_string()
}

#[tokio::test]
async fn each_view_lives_where_it_was_said_to_and_nowhere_else() {
    let (log, usual, other) = (MemoryLog::new(), Arc::new(MemoryViews::new()), Arc::new(MemoryViews::new()));
    let app = builder(&log).views(usual.clone()).views_of::<Counts>(other.clone()).build().await.unwrap();
    let (thing, label) = (ThingId::new(), LabelId::new());
    let at = happen(&log, vec![labelled(label, "a"), begun(thing, label), counted(thing, label, 2)]).await;
    let (tallies, counts) = app.queries().after(at).ask(Everything {}).await.unwrap();
    assert_eq!((tallies[0].total, &*counts[0].amounts), (2, &[2_i64][..]));

    let key = [thing.to_string()];
    assert_eq!(keys(&*usual, &app.shape_of::<Tally>().unwrap()).await, key);
    assert_eq!(keys(&*other, &app.shape_of::<Counts>().unwrap()).await, key);
    assert_eq!(keys(&*usual, &app.shape_of::<Counts>().unwrap()).await, [""; 0]);
    assert_eq!(keys(&*other, &app.shape_of::<Tally>().unwrap()).await, [""; 0]);
    assert!(log.views().unwrap().checkpoint(stored(&app, "Tally")).await.unwrap().is_none(), "the log keeps none");
    let states: Vec<_> = app.projections().await.unwrap().iter().map(|status| (status.name, status.state)).collect();
    let running = ProjectionState::Running;
    assert_eq!(states, [("Counts", running), ("LabelCard", running), ("Tally", running)]);
    assert_eq!(app.views_of("Counts").unwrap().address(), other.address());
    assert_eq!(app.views_of("Tally").unwrap().address(), usual.address());
}

#[tokio::test]
async fn handles_on_one_store_are_one_read_database() {
    let (log, store) = (MemoryLog::new(), Arc::new(MemoryViews::new()));
    let erased: Arc<dyn ViewStore> = store.clone();
    // `Tally` looks up `LabelCard`, so they must be in one database.
    let app = builder(&log).views_of::<LabelCard>(store.clone()).views_of::<Tally>(erased);
    let app = app.views_of::<Counts>(Arc::new(store.clone())).build().await.unwrap();
    let (thing, label) = (ThingId::new(), LabelId::new());
    let at = happen(&log, vec![labelled(label, "a"), begun(thing, label), counted(thing, label, 2)]).await;
    assert_eq!(app.queries().after(at).ask(Everything {}).await.unwrap().0[0].total, 2);
    for view in ["Counts", "LabelCard", "Tally"] {
        assert_eq!(app.views_of(view).unwrap().address(), store.address(), "{view}");
    }
}

#[tokio::test]
async fn a_view_may_live_apart_while_the_others_stay_in_the_commands_transaction() {
    let log = MemoryLog::new();
    let named = Arc::new(MemoryViews::new());
    let app = builder(&log).views_of::<Counts>(named.clone()).build().await.unwrap();
    let (thing, label) = (ThingId::new(), LabelId::new());
    let at = happen(&log, vec![begun(thing, label), counted(thing, label, 2)]).await;
    app.caught_up(at, Duration::from_secs(60)).await.unwrap();
    let beside = log.views().unwrap();
    assert_eq!(beside.checkpoint(stored(&app, "Tally")).await.unwrap().unwrap().position, at);
    assert_eq!(beside.checkpoint(stored(&app, "Counts")).await.unwrap(), None);
    assert_eq!(named.checkpoint(stored(&app, "Counts")).await.unwrap().unwrap().position, at);
    assert_eq!(
        keys(&*beside, &app.shape_of::<Tally>().unwrap()).await,
        keys(&*named, &app.shape_of::<Counts>().unwrap()).await
    );

    app.pause("Counts").await.unwrap();
    let error = app.pause("Tally").await.unwrap_err().to_string();
    assert!(error.contains("folded with each command"), "{error}");
    let at = happen(&log, vec![counted(thing, label, 3)]).await;
    let hasty = app.queries().after(at).within(Duration::from_millis(50));
    let error = hasty.ask(Everything {}).await.unwrap_err();
    assert!(matches!(&error, QueryError::NotYet(lag) if lag.view == "Counts"), "{error}");
    let error = app.caught_up(at, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.kind(), "NotYet", "all of them are waited for");
    app.resume("Counts").await.unwrap();
    let (tallies, counts) = app.queries().after(at).ask(Everything {}).await.unwrap();
    assert_eq!((tallies[0].total, &*counts[0].amounts), (5, &[2_i64, 3][..]));
}

#[tokio::test]
async fn parked_keys_are_told_and_retried_where_they_are() {
    let log = MemoryLog::new();
    let app = builder(&log).views(MemoryViews::new()).views_of::<Counts>(MemoryViews::new()).build().await.unwrap();
    let (sick, label) = (ThingId::new(), LabelId::new());
    set_sick(sick, true);
    let at = happen(&log, vec![begun(sick, label), counted(sick, label, -1), counted(sick, label, 2)]).await;
    app.caught_up(at, Duration::from_secs(60)).await.unwrap();
    let parked = async || app.parked().await.unwrap().into_iter().map(|parked| parked.projection).collect::<Vec<_>>();
    let both = parked().await;
    assert_eq!((both.len(), both.contains(&"Counts".to_owned())), (2, true), "{both:?}");
    set_sick(sick, false);
    app.retry("Counts", &sick.to_string()).await.unwrap();
    assert_eq!(parked().await, ["Tally"]);
    app.rebuild("Tally").await.unwrap();
    assert_eq!(parked().await, [""; 0]);
    let (tallies, counts) = app.queries().after(at).ask(Everything {}).await.unwrap();
    assert_eq!((tallies[0].total, &*counts[0].amounts), (1, &[-1_i64, 2][..]));
}

#[tokio::test]
async fn what_is_looked_up_elsewhere_is_refused() {
    let text = refusal(builder(&MemoryLog::new()).views_of::<LabelCard>(MemoryViews::new())).await;
    assert!(
        text.contains("[CQRS803] projection `Tally` looks up view `LabelCard`, which is stored in another database"),
        "{text}"
    );
    assert!(text.contains("tally.rs:") && text.contains("views_of"), "{text}");
}

#[tokio::test]
async fn a_database_for_nothing_is_refused() {
    let app = builder(&MemoryLog::new()).views(MemoryViews::new()).views(MemoryViews::new());
    let text = refusal(app).await;
    assert!(text.contains("[CQRS803]") && text.contains("is not used by any view"), "{text}");
    assert_eq!(text.matches("[CQRS").count(), 1, "one of the two: {text}");
}

#[tokio::test]
async fn two_databases_for_one_view_are_refused() {
    let app = builder(&MemoryLog::new());
    let app = app.views_of::<Counts>(MemoryViews::new()).views_of::<Counts>(MemoryViews::new());
    let text = refusal(app).await;
    assert!(text.contains("[CQRS803] view `Counts` has 2 read databases"), "{text}");
}

#[tokio::test]
async fn a_database_for_a_view_that_is_not_served_is_refused() {
    let app = App::builder()
        .log(MemoryLog::new())
        .only_modules([crate::domains::club::CLUB])
        .views_of::<Counts>(MemoryViews::new());
    let text = refusal(app).await;
    assert!(text.contains("[CQRS803] `.views_of` names view `Counts`, but no projection makes it"), "{text}");
}

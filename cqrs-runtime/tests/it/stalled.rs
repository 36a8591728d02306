//! A rebuild that has begun and makes no progress: the waiting call fails, and the rebuild continues when it can.

use std::time::Duration;

use cqrs_runtime::OperationError;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::ViewStore;

use crate::domains::club::happen;
use crate::domains::tally::*;
use crate::torn_commits::torn_views;

#[tokio::test]
async fn who_waits_for_a_rebuild_that_stays_where_it_is_is_told() {
    let (log, views, thing, label) = (MemoryLog::new(), torn_views(), ThingId::new(), LabelId::new());
    let app = async || {
        let builder = App::builder().log(log.clone()).only_modules([TALLY]).views(views.clone());
        builder.projection_lease(Duration::from_millis(150)).build().await.unwrap()
    };
    let (server, operator) = (app().await, app().await);
    let at = happen(&log, vec![labelled(label, "first"), begun(thing, label), counted(thing, label, 5)]).await;
    let seen = server.queries().after(at).ask(Everything {}).await.unwrap();

    // The shadow build is refused, in either process.
    views.refuse(Some("Counts@next"));
    for app in [&server, &operator] {
        let rebuilt = tokio::time::timeout(Duration::from_secs(60), app.rebuild("Counts")).await;
        let error = rebuilt.expect("it ends").unwrap_err();
        let OperationError::Stalled { position, waited, .. } = &error else { panic!("{error}") };
        assert!(*position == Position::START && *waited >= Duration::from_secs(1), "{error}");
        assert!(error.to_string().contains("has stayed at position 0 for"), "{error}");
        let old = app.queries().after(at).ask(Everything {}).await.unwrap();
        assert_eq!(old, seen, "the rows that were there answer");
    }

    views.refuse(None);
    let is_beside = async || {
        let stored = views.contents().await.unwrap().checkpoints;
        stored.iter().any(|(name, _)| name.ends_with("@next"))
    };
    let built = async {
        while is_beside().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), built).await.expect("it goes on by itself");
    let rebuilt = tokio::time::timeout(Duration::from_secs(60), operator.rebuild("Counts")).await;
    assert_eq!(rebuilt.expect("it ends").unwrap(), at);
    assert_eq!(server.queries().after(at).ask(Everything {}).await.unwrap(), seen);
}

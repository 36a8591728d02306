//! Writes that are late, duplicate, or from a process that lost its lease.

use std::time::Duration;

use cqrs_mongodb::MongoViews;
use cqrs_mongodb::mongodb::bson::{DateTime, Document, doc};
use cqrs_runtime::log::StoreError;
use cqrs_runtime::view::{Generation, Row, ViewShape, ViewStore};
use cqrs_test_servers::Mongo;

use crate::support::{ITEMS, LONG, at, client, collection_of, collections, database, every, gone, item, lease, open};
use crate::support::{views, writing};

#[tokio::test]
async fn a_mark_is_kept_until_the_checkpoint_has_passed_it_and_no_stalled_process_is_left() {
    let url = database();
    let views = open(&url).await;
    views.prepare(&ITEMS).await.unwrap();
    let marks = async || {
        let mut tx = views.begin(&[]).await.unwrap();
        tx.removed(&ITEMS, &["a".into(), "b".into()]).await.unwrap().len()
    };
    let remove = async |key: &str, position, reached| {
        writing(&views, &[], &[], &[gone(key, position)], Some(reached)).await.commit().await.unwrap();
    };
    remove("a", 5, 5).await;
    remove("b", 6, 6).await;
    assert_eq!(marks().await, 2, "a process may have read before the first row was removed, and write after this");
    let rows = collection_of(&url, "Items").await;
    let forget = async |key: &str, at: DateTime| {
        let past = doc! { "$set": { "forget": at } };
        assert_eq!(rows.update_one(doc! { "_id": key }, past).await.unwrap().modified_count, 1);
    };
    let due =
        rows.find_one(doc! { "_id": "a" }).await.unwrap().unwrap().get_datetime("forget").unwrap().timestamp_millis();
    let day = 24 * 60 * 60 * 1_000;
    let from_now = due - DateTime::now().timestamp_millis();
    assert!((day - 60_000..=day).contains(&from_now), "a day is long enough: {from_now}");
    forget("a", DateTime::from_millis(1)).await;
    remove("c", 4, 4).await;
    assert_eq!(marks().await, 2, "the checkpoint is before it");
    remove("c", 5, 5).await;
    assert_eq!(marks().await, 1);
}

#[tokio::test]
async fn a_process_that_lost_its_lease_before_the_commit_writes_no_row() {
    let views = views().await;
    views.prepare(&ITEMS).await.unwrap();
    let old = lease(&views, "me", Duration::ZERO).await.unwrap();
    let late = writing(&views, &[old], &[item("a", 1, 1)], &[], Some(1)).await;
    lease(&views, "you", LONG).await.unwrap();
    let error = late.commit().await.unwrap_err();
    assert!(matches!(&error, StoreError::Failed { reason, .. } if reason.contains("`Items`")), "{error}");
    assert_eq!(every(&views, &ITEMS).await, []);
    assert_eq!(views.checkpoint("Items").await.unwrap(), None);
}

#[tokio::test]
async fn acknowledged_writes_survive_a_crash_of_the_server_and_no_token_is_given_twice() {
    let server = Mongo::start().unwrap();
    let url = server.url("shop");
    let views = open(&url).await;
    views.prepare(&ITEMS).await.unwrap();
    let before = lease(&views, "me", LONG).await.unwrap();
    let leases = [before];
    writing(&views, &leases, &[item("a", 1, 1)], &[], Some(1)).await.commit().await.unwrap();
    let late = writing(&views, &leases, &[item("a", 2, 2)], &[], Some(2)).await;
    server.stop_immediate().unwrap();
    let away = late.commit().await.unwrap_err();
    assert!(matches!(away, StoreError::Unavailable { .. }), "{away}");
    server.restart().unwrap();
    let views = open(&url).await;
    assert_eq!(every(&views, &ITEMS).await, [item("a", 1, 1)]);
    assert_eq!(views.checkpoint("Items").await.unwrap(), Some(at(1)));
    assert_eq!(lease(&views, "you", LONG).await, None, "no lease is forgotten");
    writing(&views, &leases, &[item("a", 2, 2)], &[], Some(2)).await.commit().await.unwrap();
    server.stop_immediate().unwrap();
    server.restart_empty().unwrap();
    let views = open(&url).await;
    let late = writing(&views, &leases, &[], &[], Some(3)).await.commit().await.unwrap_err();
    assert!(matches!(late, StoreError::Failed { .. }), "{late}");
    let anew = lease(&views, "you", LONG).await.unwrap();
    assert!(anew.token > leases[0].token, "a server that has lost all data gives out no token twice");
}

#[tokio::test]
async fn unused_collections_are_dropped() {
    let url = database();
    let views = open(&url).await;
    views.prepare(&ITEMS).await.unwrap();
    writing(&views, &[], &[item("a", 1, 1), item("b", 1, 1)], &[gone("mark", 1)], None).await.commit().await.unwrap();
    let empty_and_write = async |rows: &[Row]| {
        let mut tx = views.begin(&[]).await.unwrap();
        for projection in ["Items", "Others"] {
            tx.clear(Some(&ITEMS), projection).await.unwrap();
        }
        tx.write(&ITEMS, rows, &[]).await.unwrap();
        tx.commit().await
    };
    // A transaction that is never finished: its rows are left over.
    let unwritable = Row { indexes: Vec::new(), ..item("z", 2, 2) };
    let error = empty_and_write(&[item("y", 2, 2), unwritable]).await.unwrap_err();
    assert!(error.to_string().contains("a row of view `Items` has 0 index values, not 1"), "{error}");
    assert_eq!(every(&views, &ITEMS).await.len(), 2, "an uncommitted clear has no effect");
    assert_eq!(collections(&url).await, ["cqrs.Items.", "cqrs.Items.", "cqrs.state"]);
    empty_and_write(&[item("a", 2, 2)]).await.unwrap();
    assert_eq!(every(&views, &ITEMS).await, [item("a", 2, 2)]);
    assert_eq!(collections(&url).await, ["cqrs.Items.", "cqrs.state"]);
    let changed = ViewShape { indexes: &[], fingerprint: 8, ..ITEMS };
    open(&url).await.prepare(&changed).await.unwrap();
    assert_eq!(collections(&url).await, ["cqrs.Items.", "cqrs.state"]);
    assert_eq!(every(&views, &changed).await, []);
}

/// A reader with an outdated collection finds the new one.
#[tokio::test]
async fn a_reader_follows_a_view_to_its_new_place() {
    let url = database();
    let (views, other) = (open(&url).await, open(&url).await);
    views.prepare(&ITEMS).await.unwrap();
    writing(&views, &[], &[item("a", 1, 1)], &[], None).await.commit().await.unwrap();
    assert_eq!(every(&other, &ITEMS).await, [item("a", 1, 1)]);
    let next = ViewShape { name: "Items@next", fingerprint: 8, ..ITEMS };
    views.prepare(&next).await.unwrap();
    let mut tx = views.begin(&[]).await.unwrap();
    tx.write(&next, &[item("b", 2, 2)], &[]).await.unwrap();
    let live = Generation { shape: ITEMS, projection: "Items" };
    tx.replace(live, Generation { shape: next, projection: "Items@next" }).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(collections(&url).await, ["cqrs.Items_next.", "cqrs.state"], "the old collection is gone");
    assert_eq!(every(&other, &ITEMS).await, [item("b", 2, 2)]);
}

#[tokio::test]
async fn a_view_of_another_shape_is_neither_read_nor_written() {
    let views = views().await;
    let error = views.rows(&ITEMS, &["a".into()]).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable { reason, .. } if reason.contains("`Items`")), "{error}");
    let changed = ViewShape { indexes: &[], fingerprint: 8, ..ITEMS };
    views.prepare(&changed).await.unwrap();
    let error = views.rows(&ITEMS, &["a".into()]).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable { .. }), "{error}");
    let late = writing(&views, &[], &[item("a", 1, 1)], &[], None).await.commit().await.unwrap_err();
    assert!(matches!(&late, StoreError::Unavailable { .. }), "{late}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_change_the_state_at_once_lose_nothing() {
    let url = database();
    let views: Vec<MongoViews> = [open(&url).await, open(&url).await, open(&url).await].into();
    // In advance: while collections are created and dropped, SecantusDB 0.7 sometimes lets two
    // processes replace one document at once.
    views[0].prepare(&ITEMS).await.unwrap();
    let names: [&'static str; 3] = ["One", "Two", "Three"];
    let tasks = views.into_iter().zip(names).map(|(views, name)| {
        tokio::spawn(async move {
            for position in 1..=20 {
                let mut tx = views.begin(&[]).await.unwrap();
                tx.set_checkpoints(&[(name, at(position))]).await.unwrap();
                tx.commit().await.unwrap();
                assert_eq!(views.checkpoint(name).await.unwrap(), Some(at(position)));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(collections(&url).await, ["cqrs.Items.", "cqrs.state"], "there is one state document");
    let state = client(&url).await.collection::<Document>("cqrs.state").find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(state.get_array("checkpoints").unwrap().len(), 3);
}

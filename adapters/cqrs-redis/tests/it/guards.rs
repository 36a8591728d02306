//! Writes that are late, duplicate, or from a process that lost its lease.

use std::time::Duration;

use cqrs_runtime::log::StoreError;
use cqrs_runtime::view::{Row, ViewShape, ViewStore};
use cqrs_test_servers::Redis;

use crate::support::{ITEMS, LONG, at, every, gone, item, keys, lease, open, prefix, views, writing};

#[tokio::test]
async fn a_mark_is_kept_until_the_checkpoint_has_passed_it_and_its_lease_has_run_out() {
    let views = views().await;
    views.prepare(&ITEMS).await.unwrap();
    let marks = async || {
        let mut tx = views.begin(&[]).await.unwrap();
        tx.removed(&ITEMS, &["a".into()]).await.unwrap().len()
    };
    let held = lease(&views, "me", LONG).await.unwrap();
    let leases = [held];
    writing(&views, &leases, &[], &[gone("a", 5)], Some(5)).await.commit().await.unwrap();
    writing(&views, &leases, &[], &[], Some(6)).await.commit().await.unwrap();
    assert_eq!(marks().await, 1, "the lease of its time has not run out");
    views.release(&leases).await.unwrap();
    writing(&views, &leases, &[], &[gone("a", 7)], Some(6)).await.commit().await.unwrap();
    writing(&views, &leases, &[], &[], Some(6)).await.commit().await.unwrap();
    assert_eq!(marks().await, 1, "the checkpoint is before it");
    writing(&views, &leases, &[], &[], Some(7)).await.commit().await.unwrap();
    assert_eq!(marks().await, 0);
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
async fn a_lease_ends_with_the_server_that_gave_it() {
    let server = Redis::start().unwrap();
    let views = open(&server, "cqrs:").await;
    views.prepare(&ITEMS).await.unwrap();
    let before = lease(&views, "me", LONG).await.unwrap();
    let leases = [before];
    writing(&views, &leases, &[item("a", 1, 1)], &[], Some(1)).await.commit().await.unwrap();
    let late = writing(&views, &leases, &[item("a", 2, 2)], &[], Some(2)).await;
    server.stop_immediate().unwrap();
    let away = late.commit().await.unwrap_err();
    assert!(matches!(away, StoreError::Unavailable { .. }), "{away}");
    server.restart().unwrap();
    let views = open(&server, "cqrs:").await;
    let late = writing(&views, &leases, &[item("a", 2, 2)], &[], Some(2)).await.commit().await.unwrap_err();
    assert!(matches!(late, StoreError::Failed { .. }), "the last acknowledged write may be lost: {late}");
    let after = lease(&views, "me", LONG).await.unwrap();
    assert!(after.token > leases[0].token, "so its owner reads the checkpoint again");
    assert_eq!(views.checkpoint("Items").await.unwrap(), Some(at(1)));
    server.stop_immediate().unwrap();
    server.restart_empty().unwrap();
    let views = open(&server, "cqrs:").await;
    let anew = lease(&views, "you", LONG).await.unwrap();
    assert!(anew.token > after.token, "a server that has lost all data gives out no token twice");
}

#[tokio::test]
async fn unused_rows_are_deleted() {
    let (server, prefix) = (Redis::shared(), prefix());
    let views = open(server, &prefix).await;
    views.prepare(&ITEMS).await.unwrap();
    let many: Vec<Row> = (0..2_500).map(|number| item(&number.to_string(), 1, number)).collect();
    writing(&views, &[], &many, &[gone("mark", 1)], None).await.commit().await.unwrap();
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
    let error = empty_and_write(&[&many[..], &[unwritable]].concat()).await.unwrap_err();
    assert!(error.to_string().contains("a row of view `Items` has 0 index values, not 1"), "{error}");
    assert_eq!(every(&views, &ITEMS).await.len(), 2_500, "an uncommitted clear has no effect");
    let half_done = keys(server, &prefix).await.iter().filter(|key| key.starts_with("place:2.1:row:")).count();
    assert_eq!(half_done, 2_500);
    empty_and_write(&[item("0", 2, 2), item("a", 2, 2)]).await.unwrap();
    assert_eq!(every(&views, &ITEMS).await, [item("0", 2, 2), item("a", 2, 2)]);
    let left = keys(server, &prefix).await;
    let of_rows: Vec<&String> = left.iter().filter(|key| key.starts_with("place:")).collect();
    assert_eq!(of_rows, ["place:3.1:index:0", "place:3.1:keys", "place:3.1:row:0", "place:3.1:row:a"]);
    let changed = ViewShape { indexes: &[], fingerprint: 8, ..ITEMS };
    views.prepare(&changed).await.unwrap();
    assert_eq!(keys(server, &prefix).await, ["places", "shapes", "views"]);
}

#[tokio::test]
async fn a_view_of_another_shape_is_not_read() {
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

//! Snapshots of a log that others append to.

use std::time::Duration;

use cqrs_runtime::log::{EventLog, StoreError};
use cqrs_runtime::snapshot::{Snapshot, SnapshotKey};
use cqrs_runtime::{Tag, Uuid};

use crate::support::{all, append, builder, client, database, log, number, stage};

fn snapshot(tag: &str) -> Snapshot {
    let key = SnapshotKey { aggregate: "Order".into(), tag: Tag::from_text(tag), fingerprint: u64::MAX };
    Snapshot { key, position: 1.into(), event: Uuid::now_v7(), state: "{}".into() }
}

#[tokio::test]
async fn a_snapshot_is_saved_while_another_transaction_holds_the_lock() {
    let (database, log) = log().await;
    let saved = snapshot("order:1");
    let mut tx = log.begin().await.unwrap();
    stage(&mut *tx, "order:1", "1").await.unwrap();
    log.snapshots().unwrap().save(std::slice::from_ref(&saved)).await.unwrap();
    let other = builder(&database).open().await.unwrap();
    let found = other.snapshots().unwrap().load(std::slice::from_ref(&saved.key)).await.unwrap();
    assert_eq!(found, [Some(saved)], "it is stored before the transaction ends");
    drop(tx);
    assert!(all(&log).await.is_empty());
}

#[tokio::test]
async fn saving_that_has_to_wait_blocks_nobody() {
    let database = database();
    let log = builder(&database).lock_timeout(Duration::from_millis(200)).open().await.unwrap();
    let client = client(database.url()).await;
    client.batch_execute("BEGIN; LOCK TABLE cqrs_snapshots IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let store = log.snapshots().unwrap();
    let saving = tokio::spawn(async move { store.save(&[snapshot("order:1")]).await });
    append(&log, "order:1", "1").await.unwrap();
    let error = saving.await.unwrap().unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable { .. }), "it times out: {error}");
    append(&log, "order:1", "2").await.unwrap();
    client.batch_execute("ROLLBACK").await.unwrap();
    log.snapshots().unwrap().save(&[snapshot("order:1")]).await.unwrap();
}

#[tokio::test]
async fn a_lost_connection_is_replaced() {
    let (database, log) = log().await;
    let store = log.snapshots().unwrap();
    store.save(&[snapshot("order:1")]).await.unwrap();
    let backend = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                 AND query LIKE 'INSERT INTO%cqrs_snapshots%'";
    let client = client(database.url()).await;
    assert_eq!(number(&client, &format!("SELECT count(pg_terminate_backend(pid)) {backend}")).await, 1);
    while number(&client, &format!("SELECT count(*) {backend}")).await > 0 {
        tokio::task::yield_now().await;
    }
    // The first call may be the one that notices.
    let _ = store.save(&[snapshot("order:1")]).await;
    let saved = snapshot("order:2");
    store.save(std::slice::from_ref(&saved)).await.unwrap();
    assert_eq!(store.load(std::slice::from_ref(&saved.key)).await.unwrap(), [Some(saved)]);
    assert_eq!(append(&log, "order:1", "1").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_saves_of_the_same_snapshots_do_not_deadlock() {
    let database = database();
    let mut snapshots: Vec<_> = (0..300).map(|number| snapshot(&format!("order:{number}"))).collect();
    let mut savers = Vec::new();
    for _ in 0..2 {
        let store = builder(&database).open().await.unwrap().snapshots().unwrap();
        let own = snapshots.clone();
        savers.push(tokio::spawn(async move {
            for _ in 0..20 {
                store.save(&own).await?;
            }
            Ok::<_, StoreError>(())
        }));
        snapshots.reverse();
    }
    for saver in savers {
        saver.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_damaged_snapshot_counts_as_missing() {
    let (database, log) = log().await;
    let saved = [snapshot("order:1"), snapshot("order:2")];
    log.snapshots().unwrap().save(&saved).await.unwrap();
    let damage = "UPDATE cqrs_snapshots SET position = -1 WHERE tag = 'order:1'";
    client(database.url()).await.batch_execute(damage).await.unwrap();
    let keys = saved.clone().map(|snapshot| snapshot.key);
    assert_eq!(log.snapshots().unwrap().load(&keys).await.unwrap(), [None, Some(saved[1].clone())]);
}

#[tokio::test]
async fn every_text_is_a_key_and_a_state() {
    let (_database, log) = log().await;
    let texts = crate::texts::texts();
    let one = |text: &String| {
        let plain = snapshot(text);
        let key = SnapshotKey { aggregate: text.clone().into(), ..plain.key };
        Snapshot { key, state: text.as_str().into(), ..plain }
    };
    let saved: Vec<_> = texts.iter().map(one).collect();
    let store = log.snapshots().unwrap();
    store.save(&saved).await.unwrap();
    let keys: Vec<_> = saved.iter().map(|snapshot| snapshot.key.clone()).collect();
    assert_eq!(store.load(&keys).await.unwrap(), saved.into_iter().map(Some).collect::<Vec<_>>());
}

//! Tests that every snapshot store must pass. An adapter runs [`all`], or single tests.
//!
//! Each test takes a log without snapshots and needs a tokio runtime. It panics with the name of the guarantee that the
//! store violates.
//!
//! ```
//! use cqrs_core::memory::MemoryLog;
//!
//! # #[tokio::main]
//! # async fn main() {
//! cqrs_conformance::snapshots::all(async || MemoryLog::new()).await;
//! # }
//! ```

#![allow(clippy::missing_panics_doc, reason = "a check's doc says what it checks; it panics when that does not hold")]

use std::sync::Arc;

use tokio::task::JoinSet;
use uuid::Uuid;

use cqrs_core::Position;
use cqrs_core::Tag;
use cqrs_core::log::EventLog;
use cqrs_core::snapshot::{Snapshot, SnapshotKey, SnapshotStore};

/// Runs every check, each on its own empty log from `make`.
pub async fn all<L: EventLog>(make: impl AsyncFn() -> L) {
    an_empty_store_has_nothing(&make().await).await;
    every_field_comes_back(&make().await).await;
    a_key_is_all_of_its_parts(&make().await).await;
    the_last_one_saved_counts(&make().await).await;
    many_are_saved_and_loaded_at_once(&make().await).await;
    concurrent_savers_leave_whole_snapshots(make().await).await;
    events_are_appended_meanwhile(make().await).await;
}

fn store(log: &dyn EventLog) -> Arc<dyn SnapshotStore> {
    log.snapshots().expect("the log keeps snapshots")
}

fn key(aggregate: &'static str, tag: &str, fingerprint: u64) -> SnapshotKey {
    SnapshotKey { aggregate: aggregate.into(), tag: Tag::from_text(tag), fingerprint }
}

fn snapshot(key: SnapshotKey, position: u64, state: &str) -> Snapshot {
    Snapshot { key, position: Position::new(position), event: Uuid::now_v7(), state: state.into() }
}

async fn save(store: &dyn SnapshotStore, snapshots: &[Snapshot]) {
    store.save(snapshots).await.expect("snapshots can be saved");
}

async fn load(store: &dyn SnapshotStore, keys: &[SnapshotKey]) -> Vec<Option<Snapshot>> {
    let loaded = store.load(keys).await.expect("snapshots can be loaded");
    assert_eq!(loaded.len(), keys.len(), "there is an answer to each key");
    loaded
}

/// An empty store returns no snapshots, and no error.
pub async fn an_empty_store_has_nothing(log: &dyn EventLog) {
    let store = store(log);
    assert!(!store.describe().is_empty(), "a store has a description, for messages");
    assert_eq!(load(&*store, &[key("Order", "order:1", 1)]).await, [None]);
    assert_eq!(load(&*store, &[]).await, []);
    save(&*store, &[]).await;
}

/// Every field is read as it was written.
pub async fn every_field_comes_back(log: &dyn EventLog) {
    let store = store(log);
    let large = format!("\"{}\"", "läng ".repeat(400_000));
    let saved = [
        snapshot(key("shop::Order", "order:1", 0), 1, r#"{"a":1}"#),
        snapshot(
            key("größe::Maß<'_>; --", "ключ:значение'\"", u64::MAX),
            u64::from(u32::MAX) + 7,
            " [ 2.50,\n\"💥\" ] ",
        ),
        snapshot(key("shop::Order", "order:2", 1 << 63), 2, &large),
        snapshot(key("shop::Order", "order:3", 3), 3, ""),
    ];
    save(&*store, &saved).await;
    let keys: Vec<_> = saved.iter().map(|snapshot| snapshot.key.clone()).collect();
    for (loaded, saved) in load(&*store, &keys).await.into_iter().zip(saved) {
        assert!(loaded.as_ref() == Some(&saved), "`{}` comes back as it was saved", saved.key.tag);
    }
}

/// A snapshot is found only by its own aggregate, tag and fingerprint. Results are in the order of the keys.
pub async fn a_key_is_all_of_its_parts(log: &dyn EventLog) {
    let store = store(log);
    let one = snapshot(key("Order", "order:1", 1), 1, "1");
    let other = snapshot(key("Parcel", "order:1", 1), 2, "2");
    let third = snapshot(key("Order", "order:2", 1), 3, "3");
    save(&*store, &[one.clone(), other.clone(), third.clone()]).await;
    let keys = [
        third.key.clone(),
        key("Order", "order:1", 2),
        one.key.clone(),
        key("order", "order:1", 1),
        key("Order", "Order:1", 1),
        other.key.clone(),
        one.key.clone(),
    ];
    let expected = [Some(third), None, Some(one.clone()), None, None, Some(other), Some(one)];
    assert_eq!(load(&*store, &keys).await, expected);
}

/// The last snapshot saved of an aggregate and tag is kept, for any positions and fingerprints.
pub async fn the_last_one_saved_counts(log: &dyn EventLog) {
    let store = store(log);
    let (this, next) = (key("Order", "order:1", 1), key("Order", "order:1", 2));
    let newer = snapshot(this.clone(), 9, "\"newer\"");
    save(&*store, std::slice::from_ref(&newer)).await;
    assert_eq!(load(&*store, std::slice::from_ref(&this)).await, [Some(newer)]);
    // After a backup was restored, a newer snapshot may be of events that no longer exist.
    let older = snapshot(this.clone(), 5, "\"older\"");
    save(&*store, std::slice::from_ref(&older)).await;
    assert_eq!(load(&*store, std::slice::from_ref(&this)).await, [Some(older)]);
    let reshaped = snapshot(next.clone(), 5, "\"reshaped\"");
    save(&*store, std::slice::from_ref(&reshaped)).await;
    assert_eq!(load(&*store, &[this.clone(), next]).await, [None, Some(reshaped)]);
    let twice = [snapshot(this.clone(), 6, "\"first\""), snapshot(this.clone(), 7, "\"second\"")];
    save(&*store, &twice).await;
    assert_eq!(load(&*store, &[this]).await, [Some(twice[1].clone())]);
}

/// Any number of snapshots can be saved and loaded at once.
pub async fn many_are_saved_and_loaded_at_once(log: &dyn EventLog) {
    let store = store(log);
    let saved: Vec<_> =
        (1..=5_000).map(|number| snapshot(key("Order", &format!("order:{number}"), 1), number, "{}")).collect();
    save(&*store, &saved).await;
    let keys: Vec<_> = saved.iter().map(|snapshot| snapshot.key.clone()).collect();
    let loaded = load(&*store, &keys).await;
    assert!(loaded.into_iter().eq(saved.into_iter().map(Some)), "each of 5,000 comes back");
}

/// Concurrent reads and writes see whole snapshots: position, event and state of one of them.
pub async fn concurrent_savers_leave_whole_snapshots(log: impl EventLog) {
    let store = store(&log);
    let of = key("Order", "order:1", 1);
    let whole = |number: u64| {
        let event = Uuid::from_u128(u128::from(number));
        Snapshot { event, ..snapshot(key("Order", "order:1", 1), number, &number.to_string()) }
    };
    let mut savers = JoinSet::new();
    for saver in 0..4_u64 {
        let store = Arc::clone(&store);
        savers.spawn(async move {
            for number in 0..50 {
                save(&*store, &[whole(1 + saver * 50 + number)]).await;
            }
        });
    }
    while !savers.is_empty() {
        let loaded = load(&*store, std::slice::from_ref(&of)).await;
        if let Some(found) = loaded.into_iter().flatten().next() {
            assert_eq!(found, whole(found.position.get()), "a snapshot is whole");
        }
        while let Some(saved) = savers.try_join_next() {
            saved.expect("a saver saves");
        }
        tokio::task::yield_now().await;
    }
}

/// A transaction on the log commits while snapshots are being saved. Saving waits for it, or gives up.
pub async fn events_are_appended_meanwhile(log: impl EventLog) {
    let store = store(&log);
    let tx = log.begin().await.expect("the lock can be had");
    let saving = tokio::spawn(async move {
        // Saving may fail if it times out before the lock is free.
        let _ = store.save(&[snapshot(key("Order", "order:1", 1), 1, "{}")]).await;
    });
    tokio::task::yield_now().await;
    tx.commit().await.expect("the transaction can be committed");
    saving.await.expect("saving comes to an end");
    let tx = log.begin().await.expect("the lock can be had again");
    tx.commit().await.expect("the next one too");
}

//! Stores that fail, and snapshots that are wrong: nothing of it is ever seen.

use std::sync::atomic::Ordering;

use cqrs_runtime::aggregate::Aggregate;
use cqrs_runtime::log::{EventLog, EventQuery, RawEvent, append_raw};
use cqrs_runtime::prelude::*;
use cqrs_runtime::snapshot::{Snapshot, SnapshotKey, SnapshotStore};
use cqrs_sqlite::rusqlite::Connection;

use super::in_tables::ReadInTables;
use super::loading::app;
use super::meters::{Meter, MeterId, MeterPlaced, MeterRead, Place, Read, folded, history, shown};
use super::watched::Watched;

/// What the meter's snapshots are found by.
fn key(meter: MeterId) -> SnapshotKey {
    let fingerprint = Meter::SNAPSHOTS.unwrap().fingerprint();
    SnapshotKey { aggregate: std::any::type_name::<Meter>().into(), tag: meter.tag(), fingerprint }
}

/// A meter with so many events, and a snapshot at the last of them.
async fn kept(log: &Watched, events: usize) -> (MeterId, Snapshot) {
    let meter = MeterId::new();
    let last = history(log, meter, events - 1).await.next();
    let app = app(log, 10).await;
    app.commands().execute(Read { meter, value: 1 }).await.unwrap();
    log.saved(&meter.tag(), last).await;
    let snapshot = log.snapshots.load(&[key(meter)]).await.unwrap().remove(0).unwrap();
    assert_eq!(snapshot.position, last);
    (meter, snapshot)
}

/// What a new program sees of a meter, and whether it read the whole history for it.
async fn as_folded(log: &Watched, meter: MeterId) -> bool {
    let expected = folded(log, meter).await;
    // It takes none of its own, which would cross the test's.
    let app = app(log, u64::MAX).await;
    log.read_since();
    assert_eq!(shown(&app, meter).await, expected);
    let tagged = EventQuery::tagged(meter.tag());
    let read = log.read_since();
    read >= log.read(&tagged, Position::START, usize::MAX).await.unwrap().events.len()
}

#[tokio::test]
async fn a_store_that_fails_fails_no_command() {
    for log in Watched::each().await {
        let (meter, _) = kept(&log, 50).await;
        log.snapshots.fails.store(true, Ordering::SeqCst);
        let failing = app(&log, 1).await;
        for value in 0..5 {
            failing.commands().execute(Read { meter, value }).await.unwrap();
        }
        assert!(as_folded(&log, meter).await, "it cannot be loaded from the snapshot");
        log.snapshots.fails.store(false, Ordering::SeqCst);
        let at = failing.commands().execute(Read { meter, value: 9 }).await.unwrap().position();
        log.saved(&meter.tag(), at).await;
        assert!(!as_folded(&log, meter).await, "later ones are saved");
    }
}

#[tokio::test]
async fn a_snapshot_that_is_not_this_state_is_ignored() {
    for log in Watched::each().await {
        let (meter, snapshot) = kept(&log, 50).await;
        assert!(!as_folded(&log, meter).await);
        for state in
            ["", "{", "null", "{}", r#"{"sum":1}"#, r#"{"sum":"a","last":[],"trend":"Unknown","swapped":{}}"#, "[[[["]
        {
            log.snapshots.save(&[Snapshot { state: state.into(), ..snapshot.clone() }]).await.unwrap();
            assert!(as_folded(&log, meter).await, "{state}");
        }
        let deep = "[".repeat(100_000);
        log.snapshots.save(&[Snapshot { state: deep.into(), ..snapshot }]).await.unwrap();
        assert!(as_folded(&log, meter).await);
    }
}

#[tokio::test]
async fn a_damaged_row_is_ignored_and_replaced() {
    let log = Watched::sqlite().await;
    let (meter, _) = kept(&log, 50).await;
    let file = Connection::open(log.folder.as_ref().unwrap().path().join("log.db")).unwrap();
    file.execute("UPDATE cqrs_snapshots SET state = substr(state, 1, length(state) / 2)", []).unwrap();
    assert!(as_folded(&log, meter).await);
    let replacing = app(&log, 10).await;
    let at = replacing.commands().execute(Read { meter, value: 2 }).await.unwrap().position();
    log.saved(&meter.tag(), at).await;
    assert!(!as_folded(&log, meter).await);
    file.execute("UPDATE cqrs_snapshots SET event = x'DEAD'", []).unwrap();
    assert!(as_folded(&log, meter).await);
    file.execute("DELETE FROM cqrs_snapshots", []).unwrap();
    assert!(as_folded(&log, meter).await);
    file.execute("DROP TABLE cqrs_snapshots", []).unwrap();
    assert!(as_folded(&log, meter).await);
}

#[tokio::test]
async fn a_snapshot_of_another_shape_is_ignored() {
    for log in Watched::each().await {
        let (meter, _) = kept(&log, 50).await;
        log.snapshots.shape.store(1, Ordering::SeqCst);
        assert!(as_folded(&log, meter).await);
    }
}

#[tokio::test]
async fn a_history_that_is_corrupt_after_the_snapshot_is_refused_as_without_one() {
    for log in Watched::each().await {
        let (meter, _) = kept(&log, 50).await;
        let unreadable = RawEvent { data: "{}".into(), ..RawEvent::of(&MeterRead { meter, value: 1 }).unwrap() };
        append_raw(&log, vec![unreadable], Meta::new()).await.unwrap();
        let app = app(&log, 1).await;
        for _ in 0..2 {
            let refused = app.commands().execute(Read { meter, value: 1 }).await.unwrap_err();
            let CommandError::Corrupt(corrupt) = refused else { panic!("{refused}") };
            assert_eq!(corrupt.error.position, 51);
        }
    }
}

#[tokio::test]
async fn what_was_not_committed_is_in_no_snapshot() {
    let log = Watched::sqlite().await;
    let (meter, _) = kept(&log, 50).await;
    let app = app(&log, 1).await;
    log.commits_fail.store(true, Ordering::SeqCst);
    for value in 0..3 {
        app.commands().execute(Read { meter, value }).await.unwrap_err();
        app.commands().execute(ReadInTables { meter }).await.unwrap_err();
    }
    log.commits_fail.store(false, Ordering::SeqCst);
    let witness = MeterId::new();
    let at = app.commands().execute(Place { meter: witness }).await.unwrap().position();
    log.saved(&witness.tag(), at).await;
    assert_eq!(log.positions()[&meter.tag()], 50, "the one before is the last");
    assert!(!as_folded(&log, meter).await);
}

/// As after an older copy of the log was put back, with the snapshots of the newer one.
#[tokio::test]
async fn a_snapshot_ahead_of_the_log_is_ignored() {
    for log in Watched::each().await {
        let (meter, snapshot) = kept(&log, 50).await;
        let position = Position::new(snapshot.position.get() + 1_000);
        let ahead = Snapshot { position, event: Uuid::now_v7(), ..snapshot };
        log.snapshots.save(std::slice::from_ref(&ahead)).await.unwrap();
        assert!(as_folded(&log, meter).await);
        // The log comes to that position again, by another way.
        let mut raw = Vec::new();
        for value in 0..1_500 {
            raw.push(RawEvent::of(&MeterRead { meter, value: -value }).unwrap());
        }
        append_raw(&log, raw, Meta::new()).await.unwrap();
        log.snapshots.save(&[ahead]).await.unwrap();
        assert!(as_folded(&log, meter).await, "it is not a snapshot of these events");
    }
}

#[tokio::test]
async fn a_snapshot_at_an_event_of_another_aggregate_is_ignored() {
    for log in Watched::each().await {
        let (meter, snapshot) = kept(&log, 50).await;
        let other =
            append_raw(&log, vec![RawEvent::of(&MeterPlaced { meter: MeterId::new() }).unwrap()], Meta::new()).await;
        let event = log.read(&EventQuery::all(), snapshot.position, 1).await.unwrap().events.remove(0);
        let stray = Snapshot { position: other.unwrap(), event: event.header().id, ..snapshot };
        log.snapshots.save(&[stray]).await.unwrap();
        assert!(as_folded(&log, meter).await);
    }
}

#[tokio::test]
async fn what_cannot_be_folded_onto_a_snapshot_is_folded_without_it() {
    for log in Watched::each().await {
        let (meter, snapshot) = kept(&log, 50).await;
        // The state reads well; the next event overflows on it, and on it alone.
        let state = format!(r#"{{"sum":0,"last":[{}],"trend":"Unknown","swapped":{{}}}}"#, i64::MIN);
        append_raw(&log, vec![RawEvent::of(&MeterRead { meter, value: 1 }).unwrap()], Meta::new()).await.unwrap();
        log.snapshots.save(&[Snapshot { state: state.into(), ..snapshot }]).await.unwrap();
        assert!(as_folded(&log, meter).await);
    }
}

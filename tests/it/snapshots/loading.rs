//! What loading costs, and when a snapshot is taken.

use std::sync::atomic::Ordering;

use cqrs_runtime::prelude::*;
use tokio::sync::Semaphore;

use super::in_tables::{IN_TABLES, ReadInTables};
use super::meters::{METERS, MeterId, Place, Read, ReadSealed, ReadSlowly, Swap, folded, history, shown};
use super::watched::Watched;

/// The meters on this log.
pub async fn app(log: &Watched, every: u64) -> App {
    // A log in memory has no transaction to give.
    let in_tables = log.folder.is_some().then_some(IN_TABLES);
    let builder = App::builder().log(log.clone()).snapshot_every(every);
    builder.only_modules([METERS].into_iter().chain(in_tables)).build().await.unwrap()
}

/// Reads a meter so many times, and returns the last position.
async fn reads(app: &App, meter: MeterId, times: i64) -> Position {
    let mut last = Position::START;
    for value in 0..times {
        last = app.commands().execute(Read { meter, value }).await.unwrap().position();
    }
    last
}

#[tokio::test]
async fn a_long_history_is_loaded_from_its_snapshot() {
    for log in Watched::each().await {
        let (meter, other) = (MeterId::new(), MeterId::new());
        history(&log, other, 3_000).await;
        let last = history(&log, meter, 10_000).await;
        let first = app(&log, 100).await;
        log.read_since();
        first.commands().execute(Read { meter, value: 5 }).await.unwrap();
        assert_eq!(log.read_since(), 10_000, "the first time there is no snapshot");
        log.saved(&meter.tag(), last.next()).await;
        reads(&first, meter, 3).await;
        drop(first);

        let second = app(&log, 100).await;
        log.read_since();
        let receipt = second.commands().execute(Read { meter, value: 6 }).await.unwrap();
        assert_eq!(log.read_since(), 1 + 3, "the event of the snapshot, and those after it");
        assert_eq!(receipt.position(), last.get() + 5);
        assert_eq!(shown(&second, meter).await, folded(&log, meter).await);
    }
}

#[tokio::test]
async fn a_workflow_is_loaded_from_a_snapshot_too() {
    for log in Watched::each().await {
        let meter = MeterId::new();
        let last = history(&log, meter, 2_500).await;
        let first = app(&log, 100).await;
        reads(&first, meter, 1).await;
        log.saved(&meter.tag(), last.next()).await;
        drop(first);

        let second = app(&log, 100).await;
        log.read_since();
        second.commands().execute(ReadSlowly { meter }).await.unwrap();
        // By the workflow, which takes the meter with it to the sequencer.
        assert_eq!(log.read_since(), 1);
        assert_eq!(shown(&second, meter).await, folded(&log, meter).await);
    }
}

#[tokio::test]
async fn a_workflow_with_a_transaction_takes_snapshots_of_what_it_has_committed() {
    let log = Watched::sqlite().await;
    let meter = MeterId::new();
    let last = history(&log, meter, 2_500).await;
    let app = app(&log, 100).await;
    app.commands().execute(ReadInTables { meter }).await.unwrap();
    log.saved(&meter.tag(), last.next()).await;
    log.read_since();
    app.commands().execute(ReadInTables { meter }).await.unwrap();
    assert_eq!(log.read_since(), 1);
    assert_eq!(shown(&app, meter).await, folded(&log, meter).await);
}

#[tokio::test]
async fn each_aggregate_of_a_command_costs_what_it_lacks() {
    for log in Watched::each().await {
        let (early, late, new) = (MeterId::new(), MeterId::new(), MeterId::new());
        let first = app(&log, 100).await;
        history(&log, early, 500).await;
        let early_at = reads(&first, early, 1).await;
        log.saved(&early.tag(), early_at).await;
        history(&log, late, 4_000).await;
        let late_at = reads(&first, late, 1).await;
        log.saved(&late.tag(), late_at).await;
        reads(&first, early, 2).await;
        history(&log, new, 20).await;
        drop(first);

        let second = app(&log, 100).await;
        log.read_since();
        second.commands().execute(Swap { one: late, other: early }).await.unwrap();
        assert_eq!(log.read_since(), 1 + (1 + 2), "a history of 4,000 events before its snapshot is not read");
        second.commands().execute(Swap { one: new, other: late }).await.unwrap();
        assert_eq!(log.read_since(), 20);
        for meter in [early, late, new] {
            assert_eq!(shown(&second, meter).await, folded(&log, meter).await);
        }
    }
}

#[tokio::test]
async fn a_snapshot_is_taken_when_enough_has_happened() {
    for log in Watched::each().await {
        let meter = MeterId::new();
        let app = app(&log, 4).await;
        app.commands().execute(Place { meter }).await.unwrap();
        reads(&app, meter, 2).await;
        assert_eq!(log.positions().get(&meter.tag()), None, "three events are not four");
        for expected in [4, 8, 12] {
            let at = reads(&app, meter, if expected == 4 { 1 } else { 4 }).await;
            assert_eq!(at, expected);
            log.saved(&meter.tag(), at).await;
        }
        assert_eq!(log.snapshots.saves.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn what_has_not_opted_in_is_not_kept() {
    for log in Watched::each().await {
        let (meter, witness) = (MeterId::new(), MeterId::new());
        history(&log, meter, 500).await;
        let app = app(&log, 1).await;
        app.commands().execute(ReadSealed { meter }).await.unwrap();
        app.commands().execute(Place { meter: witness }).await.unwrap();
        log.saved(&witness.tag(), 502.into()).await;
        assert_eq!(log.positions().get(&meter.tag()), None);
    }
}

/// How many snapshots may wait to be saved.
const MOST_WAITING: usize = 256;

#[tokio::test]
async fn a_store_that_hangs_holds_nobody_up_and_gets_the_latest_in_the_end() {
    for log in Watched::each().await {
        log.snapshots.gate.forget_permits(Semaphore::MAX_PERMITS);
        let app = app(&log, 1).await;
        let first = MeterId::new();
        app.commands().execute(Place { meter: first }).await.unwrap();
        log.snapshots.begun.subscribe().wait_for(|begun| *begun == 1).await.unwrap();
        let mut last = Position::START;
        let meters: Vec<_> = (0..MOST_WAITING + 50).map(|_| MeterId::new()).collect();
        for &meter in &meters {
            app.commands().execute(Place { meter }).await.unwrap();
            last = reads(&app, meter, 2).await;
        }
        assert_eq!(last, 1 + 3 * meters.len() as u64, "commands go on");
        // What the last one left to be done is done before the next one.
        shown(&app, first).await;
        log.snapshots.gate.add_permits(1_000);
        log.saved(&first.tag(), 1.into()).await;
        log.saved(&meters[MOST_WAITING - 2].tag(), (1 + 3 * (MOST_WAITING as u64 - 1)).into()).await;
        let positions = log.positions();
        assert!(positions.len() <= 1 + MOST_WAITING, "{} snapshots had piled up", positions.len());
        for (meter, position) in meters.iter().zip(1_u64..) {
            if let Some(at) = positions.get(&meter.tag()) {
                assert_eq!(*at, 1 + 3 * position, "of one aggregate the latest alone waits");
            }
        }
        // What found no room then finds some now.
        let refused = *meters.last().unwrap();
        let at = reads(&app, refused, 1).await;
        log.saved(&refused.tag(), at).await;
    }
}

//! In spite of all that happens to programs and snapshots, the state is the fold of the whole history.

use std::sync::atomic::Ordering;

use cqrs_runtime::aggregate::Aggregate;
use cqrs_runtime::log::{EventLog, RawEvent, append_raw};
use cqrs_runtime::prelude::*;
use cqrs_runtime::snapshot::{Snapshot, SnapshotKey, SnapshotStore};
use cqrs_tests::chance::{Random, seed};

use super::loading::app;
use super::meters::{Meter, MeterId, MeterRead, Place, Read, ReadSlowly, Swap, folded, shown};
use super::watched::Watched;

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[usize::try_from(random.below(from.len() as u64)).unwrap()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_the_fold_of_its_whole_history() {
    let mut random = Random::new(seed());
    for log in Watched::each().await {
        let meters: Vec<MeterId> = (0..5).map(|_| MeterId::new()).collect();
        let first = app(&log, 1).await;
        for &meter in &meters {
            first.commands().execute(Place { meter }).await.unwrap();
        }
        drop(first);
        let mut fewer = 0;
        for _ in 0..60 {
            log.snapshots.shape.store(random.below(3), Ordering::SeqCst);
            if random.below(4) == 0 {
                disturb(&log, pick(&mut random, &meters), &mut random).await;
            }
            let every = pick(&mut random, &[1, 2, 5, 30]);
            let program = app(&log, every).await;
            log.read_since();
            for _ in 0..random.below(25) {
                let (meter, other) = (pick(&mut random, &meters), pick(&mut random, &meters));
                let value = i64::try_from(random.below(1_000)).unwrap() - 500;
                let bus = program.commands();
                match random.below(10) {
                    0 => drop(bus.execute(Swap { one: meter, other }).await.unwrap()),
                    1 => drop(bus.execute(ReadSlowly { meter }).await.unwrap()),
                    // Another program's.
                    2 => drop(by_others(&log, meter, value).await),
                    3 => assert_eq!(shown(&program, meter).await, folded(&log, meter).await, "of {meter}"),
                    _ => drop(bus.execute(Read { meter, value }).await.unwrap()),
                }
            }
            for &meter in &meters {
                assert_eq!(shown(&program, meter).await, folded(&log, meter).await, "of {meter}");
            }
            fewer += usize::from(log.snapshots.saves.swap(0, Ordering::SeqCst) > 0);
        }
        assert!(fewer > 10, "hardly a snapshot was taken: the test tests too little");
    }
}

async fn by_others(log: &Watched, meter: MeterId, value: i64) -> Position {
    append_raw(log, vec![RawEvent::of(&MeterRead { meter, value }).unwrap()], Meta::new()).await.unwrap()
}

/// Spoils a snapshot in one of several ways.
async fn disturb(log: &Watched, meter: MeterId, random: &mut Random) {
    let fingerprint = Meter::SNAPSHOTS.unwrap().fingerprint();
    let key = SnapshotKey { aggregate: std::any::type_name::<Meter>().into(), tag: meter.tag(), fingerprint };
    let Some(snapshot) = log.snapshots.load(&[key]).await.unwrap().remove(0) else { return };
    let head = log.head().await.unwrap();
    let (position, event) = (snapshot.position, snapshot.event);
    let spoilt = match random.below(5) {
        0 => Snapshot { state: snapshot.state[..snapshot.state.len() / 2].into(), ..snapshot },
        1 => Snapshot { position: Position::new(head.get() + random.below(50)), ..snapshot },
        2 => Snapshot { position: Position::new(position.get().saturating_sub(1)), ..snapshot },
        3 => Snapshot { event: Uuid::now_v7(), position, ..snapshot },
        _ => Snapshot { state: "{}".into(), event, ..snapshot },
    };
    log.snapshots.save(&[spoilt]).await.unwrap();
}

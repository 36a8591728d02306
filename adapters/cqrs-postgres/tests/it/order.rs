//! Positions are in the order of commits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_runtime::log::{AppendEntry, EventLog, EventQuery, Position, append as append_batch};
use cqrs_runtime::prelude::*;

use crate::support::{all, builder, client, database, log, number, stage};

/// Waits until another session waits for the lock.
async fn wait_for_waiter(url: &str) {
    let (client, started) = (client(url).await, Instant::now());
    while number(&client, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").await == 0 {
        assert!(started.elapsed() < Duration::from_secs(30), "nobody waits for the lock");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_transaction_waits_for_the_lock_and_no_reader_skips_an_event() {
    let database = database();
    let (log, other) = (builder(&database).open().await.unwrap(), builder(&database).open().await.unwrap());
    let mut first = log.begin().await.unwrap();
    stage(&mut *first, "order:1", "first").await.unwrap();
    let second = tokio::spawn(async move {
        let mut second = other.begin().await.unwrap();
        let position = stage(&mut *second, "order:1", "second").await.unwrap();
        second.commit().await.unwrap();
        position
    });
    wait_for_waiter(database.url()).await;
    let page = log.read(&EventQuery::all(), Position::START, 10).await.unwrap();
    assert_eq!((page.events.len(), page.up_to.get()), (0, 0), "nothing is committed yet");
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), 2);
    assert_eq!(all(&log).await, ["first", "second"]);
}

/// Why the lock is needed: without it, the same two transactions make a reader skip an event.
#[tokio::test]
async fn without_the_lock_a_reader_would_skip_an_event() {
    let (database, log) = log().await;
    let insert = |position: u64| {
        format!("BEGIN; INSERT INTO cqrs_events VALUES ({position}, gen_random_uuid(), 'N', 1, '{{}}', '{{}}',
                 '{{\"correlation\":\"00000000-0000-0000-0000-000000000000\",\"at\":\"2026-01-31T12:00:00Z\"}}', now())")
    };
    let (first, second) = (client(database.url()).await, client(database.url()).await);
    first.batch_execute(&insert(1)).await.unwrap();
    second.batch_execute(&insert(2)).await.unwrap();
    second.batch_execute("COMMIT").await.unwrap();
    let page = log.read(&EventQuery::all(), Position::START, 10).await.unwrap();
    first.batch_execute("COMMIT").await.unwrap();
    let next = log.read(&EventQuery::all(), page.up_to, 10).await.unwrap();
    assert_eq!((page.events.len(), next.events.len()), (1, 0), "event 1 was never delivered");
}

#[derive(Event, Serialize, Deserialize)]
pub struct SeatTaken {
    #[tag]
    seat: SeatId,
}

#[derive(Id)]
pub struct SeatId(Uuid);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_appends_by_many_logs_under_one_condition_one_succeeds() {
    let database = database();
    let seat = SeatId::new();
    let mut logs = Vec::new();
    for _ in 0..5 {
        logs.push(Arc::new(builder(&database).open().await.unwrap()));
    }
    let rivals: Vec<_> = (0..50)
        .map(|number| {
            let log = Arc::clone(&logs[number % logs.len()]);
            tokio::spawn(async move {
                let tag = cqrs_runtime::Tag::from_text(&format!("seat:{seat}"));
                let entry = AppendEntry::new(SeatTaken { seat }).unless(EventQuery::tagged(tag), Position::START);
                append_batch(&*log, vec![entry]).await.unwrap().remove(0).is_ok()
            })
        })
        .collect();
    let mut winners = 0;
    for rival in rivals {
        winners += usize::from(rival.await.unwrap());
    }
    assert_eq!((winners, all(&logs[0]).await.len()), (1, 1));
}

#[tokio::test]
async fn a_stream_reads_page_by_page() {
    let (_database, log) = log().await;
    let mut tx = log.begin().await.unwrap();
    let events: Vec<_> = (1..=5_000).map(|n| crate::support::event(Position::new(n), "order:1", "{}")).collect();
    tx.append(&events, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let mut stream = cqrs_runtime::log::read(Arc::new(log), EventQuery::all(), Position::START);
    let mut seen = 0;
    while let Some(event) = stream.next().await {
        seen += 1;
        assert_eq!(event.unwrap().position(), seen);
    }
    assert_eq!(seen, 5_000);
}

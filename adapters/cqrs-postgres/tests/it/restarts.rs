//! Crashes and restarts of the server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cqrs_postgres::PostgresLog;
use cqrs_runtime::log::StoreError;
use cqrs_test_servers::Postgres;

use crate::support::{all, append};

/// The outcome of one writer's appends.
#[derive(Default)]
struct Answers {
    stored: BTreeSet<String>,
    refused: BTreeSet<String>,
}

/// Appends until `more` appends after the server's return are acknowledged.
async fn write(log: PostgresLog, writer: usize, acknowledged: Arc<AtomicUsize>, until: Arc<AtomicUsize>) -> Answers {
    let mut answers = Answers::default();
    for number in 0.. {
        let data = format!("\"{writer}-{number}\"");
        match append(&log, "order:1", &data).await {
            Ok(_) => {
                answers.stored.insert(data);
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Err(StoreError::Unavailable { .. }) => {
                answers.refused.insert(data);
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
        if acknowledged.load(Ordering::SeqCst) >= until.load(Ordering::SeqCst) {
            break;
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crash_of_the_server_loses_no_acknowledged_append_and_keeps_no_refused_one() {
    let server = Arc::new(Postgres::start().unwrap());
    let database = server.new_database().unwrap();
    let (acknowledged, until) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(usize::MAX)));
    let mut writers = Vec::new();
    for writer in 0..4 {
        // As two processes with two tasks each.
        let log = PostgresLog::builder(database.url()).readers(1).open().await.unwrap();
        for task in 0..2 {
            let (acknowledged, until) = (Arc::clone(&acknowledged), Arc::clone(&until));
            writers.push(tokio::spawn(write(log.clone(), writer * 2 + task, acknowledged, until)));
        }
    }
    for crash in 1..=3 {
        let before = acknowledged.load(Ordering::SeqCst);
        while acknowledged.load(Ordering::SeqCst) < before + 40 {
            tokio::task::yield_now().await;
        }
        let server = Arc::clone(&server);
        let restarted = tokio::task::spawn_blocking(move || {
            server.stop_immediate()?;
            server.restart()
        });
        restarted.await.unwrap().unwrap_or_else(|error| panic!("crash {crash}: {error}"));
    }
    until.store(acknowledged.load(Ordering::SeqCst) + 40, Ordering::SeqCst);
    let (mut stored, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for writer in writers {
        let mut answers = writer.await.unwrap();
        stored.append(&mut answers.stored);
        refused.append(&mut answers.refused);
    }
    assert!(!refused.is_empty(), "the crashes hit some appends");
    let there = all(&PostgresLog::open(database.url()).await.unwrap()).await;
    let unique: BTreeSet<String> = there.iter().cloned().collect();
    assert_eq!(there.len(), unique.len(), "nothing is stored twice");
    assert_eq!(unique.difference(&stored).count(), 0, "no refused append is stored");
    assert_eq!(stored.difference(&unique).count(), 0, "no acknowledged append is lost");
}

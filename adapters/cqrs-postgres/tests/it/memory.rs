//! The memory use of a stream over a long log.

use std::process::Command;
use std::sync::Arc;

use cqrs_postgres::PostgresLog;
use cqrs_runtime::log::{EventQuery, Position, read};

use crate::support::{builder, client, database};

const URL: &str = "CQRS_MEMORY_URL";

/// The number of streamed events.
const EVENTS: u64 = 200_000;

/// The size of each event's data in bytes: 114 MiB for all.
const LENGTH: usize = 600;

/// How much the memory use may grow after the first event, in KiB.
///
/// A page of the stream has 1,000 events, each of less than 1 KiB including metadata. While it is
/// read, it is in memory three times: as bytes, as rows, and as events. That is less than 3 MiB;
/// the rest is for the allocator. The whole log is several times this limit.
const MOST: u64 = 16 << 10;

/// The peak resident set so far, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Not a test: the reader, in a process that does nothing else.
#[tokio::test]
#[ignore = "started by another test, in a process of its own"]
async fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let log = Arc::new(PostgresLog::builder(&url).readers(1).open().await.unwrap());
    let before = peak();
    let mut stream = read(log, EventQuery::all(), Position::START);
    let mut seen = 0;
    while let Some(event) = stream.next().await {
        let event = event.unwrap();
        seen += 1;
        assert_eq!((event.position().get(), event.data().len()), (seen, LENGTH));
    }
    assert_eq!(seen, EVENTS);
    println!("\npeak {before} {}", peak());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_takes_the_same_memory_however_long_the_log_is() {
    let database = database();
    drop(builder(&database).open().await.unwrap());
    let meta = r#"{"correlation":"0192f0c1-2b3c-7d4e-8f90-a1b2c3d4e5f6","at":"2026-01-31T12:00:00.000001Z"}"#;
    let fill = format!(
        "INSERT INTO cqrs_events SELECT p, gen_random_uuid(), 'Happened', 1, ARRAY['order:' || p / 5],
             '\"' || repeat('x', {LENGTH} - 2) || '\"', '{meta}', now() FROM generate_series(1, {EVENTS}) p"
    );
    client(database.url()).await.batch_execute(&fill).await.unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["memory::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]).env(URL, database.url());
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let numbers = said.lines().find_map(|line| line.strip_prefix("peak ")).unwrap();
    let (before, after) = numbers.split_once(' ').unwrap();
    let (before, after): (u64, u64) = (before.parse().unwrap(), after.parse().unwrap());
    println!("{before} KiB before the first event, {after} KiB at the peak");
    assert!(after - before < MOST, "the memory use grew by {} KiB", after - before);
}

//! Several processes, or several logs of one process, on one file.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cqrs_sqlite::SqliteLog;

use crate::support::{all, append, folder};

const PATH: &str = "CQRS_SQLITE_TEST_PATH";
const EVENTS: &str = "CQRS_SQLITE_TEST_EVENTS";

/// Not a test: the other process. It prints each position once it is acknowledged.
#[tokio::test]
#[ignore = "started by other tests, in a process of its own"]
async fn child() {
    let Ok(path) = std::env::var(PATH) else { return };
    let events: u32 = std::env::var(EVENTS).unwrap().parse().unwrap();
    let log = SqliteLog::open(path).await.unwrap();
    for number in 0..events {
        let data = format!("\"{}-{number}\"", std::process::id());
        let position = append(&log, "order:1", &data).await.unwrap();
        writeln!(std::io::stdout(), "\nacknowledged {position} {data}").unwrap();
    }
}

fn start(path: &Path, events: u32) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["processes::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    child.env(PATH, path).env(EVENTS, events.to_string()).stdout(Stdio::piped()).spawn().unwrap()
}

/// The position and data of an event that the child process printed as acknowledged.
fn acknowledged(line: &str) -> Option<(usize, String)> {
    let (position, data) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((position.parse().ok()?, data.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_append_to_one_file() {
    let (_folder, path) = folder();
    let children: Vec<Child> = (0..3).map(|_| start(&path, 60)).collect();
    let mut printed = Vec::new();
    for mut child in children {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        printed.extend(lines.filter_map(|line| acknowledged(&line.unwrap())));
        assert!(child.wait().unwrap().success(), "no command is lost to contention");
    }
    let stored = all(&SqliteLog::open(&path).await.unwrap()).await;
    assert_eq!(stored.len(), 180, "every event is stored, and positions are dense");
    assert_eq!(stored.iter().collect::<BTreeSet<_>>().len(), 180);
    for (position, data) in printed {
        assert_eq!(stored[position - 1], data, "an event is at the position that its writer got");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_events_survive_a_kill() {
    for lines in [1, 7, 40] {
        let (_folder, path) = folder();
        let mut child = start(&path, 100_000);
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let printed: Vec<_> = output.filter_map(|line| acknowledged(&line.unwrap())).take(lines).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let log = SqliteLog::open(&path).await.unwrap();
        let stored = all(&log).await;
        for (position, data) in printed {
            assert_eq!(stored[position - 1], data, "an acknowledged event survives");
        }
        assert_eq!(append(&log, "order:1", "{}").await.unwrap(), stored.len() as u64 + 1, "and the log goes on");
    }
}

/// Two logs write without pause to one file, and neither waits for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_process_starves() {
    let (_folder, path) = folder();
    let span = Duration::from_secs(2);
    let writers: Vec<_> = (0..3)
        .map(|number| {
            let path = path.clone();
            tokio::spawn(async move {
                let log = SqliteLog::open(path).await.unwrap();
                let (started, mut written, mut longest) = (Instant::now(), 0, Duration::ZERO);
                while started.elapsed() < span {
                    let before = Instant::now();
                    append(&log, "order:1", &format!("\"{number}-{written}\"")).await.unwrap();
                    longest = longest.max(before.elapsed());
                    written += 1;
                }
                (written, longest)
            })
        })
        .collect();
    let mut total = 0;
    for writer in writers {
        let (written, longest) = writer.await.unwrap();
        println!("{written} events, the longest wait {longest:?}");
        assert!(written >= 10, "a writer got in only {written} times");
        assert!(longest < Duration::from_secs(2), "a writer waited {longest:?}");
        total += written;
    }
    assert_eq!(all(&SqliteLog::open(&path).await.unwrap()).await.len(), total);
}

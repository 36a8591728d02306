//! Several processes on one log.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use cqrs_postgres::PostgresLog;

use crate::support::{all, append, builder, database};

const URL: &str = "CQRS_POSTGRES_TEST_URL";
const EVENTS: &str = "CQRS_POSTGRES_TEST_EVENTS";

/// Not a test: the other process. It prints each position once it is acknowledged.
#[tokio::test]
#[ignore = "started by other tests, in a process of its own"]
async fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let events: u32 = std::env::var(EVENTS).unwrap().parse().unwrap();
    let log = PostgresLog::open(&url).await.unwrap();
    for number in 0..events {
        let data = format!("\"{}-{number}\"", std::process::id());
        let position = append(&log, "order:1", &data).await.unwrap();
        writeln!(std::io::stdout(), "\nacknowledged {position} {data}").unwrap();
    }
}

fn start(url: &str, events: u32) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["processes::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    child.env(URL, url).env(EVENTS, events.to_string()).stdout(Stdio::piped()).spawn().unwrap()
}

/// The position and data of an event that the child process printed as acknowledged.
fn acknowledged(line: &str) -> Option<(usize, String)> {
    let (position, data) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((position.parse().ok()?, data.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_append_to_one_log() {
    let database = database();
    let children: Vec<Child> = (0..3).map(|_| start(database.url(), 60)).collect();
    let mut printed = Vec::new();
    for mut child in children {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        printed.extend(lines.filter_map(|line| acknowledged(&line.unwrap())));
        assert!(child.wait().unwrap().success(), "no command is lost to contention");
    }
    let stored = all(&builder(&database).open().await.unwrap()).await;
    assert_eq!(stored.len(), 180, "every event is stored, and positions are dense");
    assert_eq!(stored.iter().collect::<BTreeSet<_>>().len(), 180);
    assert_eq!(printed.len(), 180);
    for (position, data) in printed {
        assert_eq!(stored[position - 1], data, "an event is at the position that its writer got");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_events_survive_a_kill() {
    for lines in [1, 7, 40] {
        let database = database();
        let mut child = start(database.url(), 100_000);
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let printed: Vec<_> = output.filter_map(|line| acknowledged(&line.unwrap())).take(lines).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let log = builder(&database).open().await.unwrap();
        // Acquiring the lock waits for the server process of the killed client.
        let next = append(&log, "order:1", "{}").await.unwrap();
        let stored = all(&log).await;
        assert_eq!(next, stored.len() as u64, "the log goes on");
        for (position, data) in printed {
            assert_eq!(stored[position - 1], data, "an acknowledged event survives");
        }
    }
}

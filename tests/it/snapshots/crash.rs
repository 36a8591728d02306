//! `kill -9` while snapshots are taken.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cqrs_runtime::prelude::*;
use cqrs_sqlite::SqliteLog;

use super::meters::{METERS, MeterId, Place, Read, folded, shown};

const PATH: &str = "CQRS_SNAPSHOTS_TEST_PATH";
const METER: &str = "CQRS_SNAPSHOTS_TEST_METER";

/// Not a test: what is killed. It reads one meter for ever, and takes a snapshot after each event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the other test, in a process of its own"]
async fn child() {
    let Ok(path) = std::env::var(PATH) else { return };
    let meter: MeterId = std::env::var(METER).unwrap().parse().unwrap();
    let log = SqliteLog::open(path).await.unwrap();
    let app = App::builder().log(log).snapshot_every(1).only_modules([METERS]).build().await.unwrap();
    for value in 0.. {
        let position = app.commands().execute(Read { meter, value }).await.unwrap().position();
        writeln!(std::io::stdout(), "\nacknowledged {position}").unwrap();
    }
}

fn start(path: &Path, meter: MeterId) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["snapshots::crash::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    child.env(PATH, path).env(METER, meter.to_string()).stdout(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
async fn a_killed_program_leaves_no_wrong_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let meter = MeterId::new();
    let open = async || {
        let log = SqliteLog::open(&path).await.unwrap();
        App::builder().log(log).snapshot_every(1_000_000).only_modules([METERS]).build().await.unwrap()
    };
    open().await.commands().execute(Place { meter }).await.unwrap();
    let mut kept = 0;
    for lines in [1, 2, 3, 5, 9, 20, 60, 61, 62, 63] {
        let mut child = start(&path, meter);
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = output.filter_map(|line| line.unwrap().strip_prefix("acknowledged ")?.parse::<u64>().ok());
        let last = told.take(lines).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let app = open().await;
        assert!(app.log().head().await.unwrap() >= last, "what was acknowledged is there");
        assert_eq!(shown(&app, meter).await, folded(&**app.log(), meter).await);
        let file = cqrs_sqlite::rusqlite::Connection::open(&path).unwrap();
        let ahead =
            "SELECT count(*), ifnull(max(position), 0) > (SELECT max(position) FROM cqrs_events) FROM cqrs_snapshots";
        let (rows, is_ahead): (u32, bool) = file.query_row(ahead, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert!(!is_ahead, "a snapshot is never of events that are not committed");
        kept += rows;
    }
    assert!(kept > 0, "no snapshot was taken: the test tests nothing");
}

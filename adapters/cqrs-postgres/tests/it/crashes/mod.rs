//! `kill -9` of a program at any instant of a load, and crashes of the server under it: what was acknowledged is there
//! afterwards, once, and the views agree with the log.
//!
//! `CQRS_CRASH_ROUNDS` says how many (20 unless told otherwise, every second one with a crash of the server); `CQRS_SEED` makes
//! the choices of a run again.

mod till;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use cqrs_postgres::PostgresLog;
use cqrs_runtime::App;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog, Page, Position};
use cqrs_runtime::registry::{Item, registered};
use cqrs_runtime::view::{Filter, Row, RowQuery, ViewShape};
use cqrs_runtime::view_conformance::checkpoint_as_stored;
use cqrs_test_servers::{Database, Postgres};
use till::{IN_FLIGHT, TILLS};

use crate::chance::{Random, given, seed};
use crate::support::{client, number};

/// How long a load may stay silent.
const PATIENCE: Duration = Duration::from_secs(120);

/// A log that has grown so long makes place for a new one.
const LONG: usize = 2_000;

/// A program under load.
struct Load {
    child: Child,
    told: Receiver<u64>,
}

impl Load {
    fn start(url: &str, from: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["crashes::till::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        child.env(till::URL, url).env(till::FROM, from.to_string());
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let (send, told) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            let numbers = lines.map_while(Result::ok);
            let numbers = numbers.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
            for number in numbers {
                if send.send(number).is_err() {
                    break;
                }
            }
        });
        Self { child, told }
    }

    /// Waits until so many more commands are acknowledged.
    fn wait_for(&self, more: u64, acknowledged: &mut BTreeSet<u64>) {
        for _ in 0..more {
            acknowledged.insert(self.told.recv_timeout(PATIENCE).expect("the load goes on"));
        }
    }

    /// Kills it, and takes down what it was told last.
    fn kill(mut self, acknowledged: &mut BTreeSet<u64>) {
        assert!(self.child.try_wait().unwrap().is_none(), "it does not end by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        acknowledged.extend(self.told.iter());
    }
}

/// One load from its start to its end.
fn round(server: &Postgres, crash: bool, random: &mut Random, load: Load, acknowledged: &mut BTreeSet<u64>) {
    if crash || random.below(2) == 0 {
        load.wait_for(1, acknowledged);
    }
    // The instant is what is tested: nothing is waited for.
    std::thread::sleep(Duration::from_millis(random.below(300)));
    if !crash {
        return load.kill(acknowledged);
    }
    server.stop_immediate().unwrap();
    if random.below(4) == 0 {
        load.kill(acknowledged);
        return server.restart().unwrap();
    }
    server.restart().unwrap();
    acknowledged.extend(load.told.try_iter());
    // More than can have been on their way when the server crashed: it goes on, and each command is sent until it is accepted.
    load.wait_for(2 * IN_FLIGHT, acknowledged);
    load.kill(acknowledged);
}

/// Looks at what the crash left, before an app has brought anything up to date.
async fn check(database: &Database, acknowledged: &BTreeSet<u64>) -> usize {
    let log = PostgresLog::builder(database.url()).readers(2).open().await.unwrap();
    // What the server still has of the killed program ends before.
    let _locked = log.begin().await.unwrap();
    let page = log.read(&EventQuery::all(), Position::START, 1_000_000).await.unwrap();
    let mut stored = BTreeSet::new();
    let mut payments: BTreeMap<&str, u64> = BTreeMap::new();
    for (event, position) in page.events.iter().zip(1_u64..) {
        assert_eq!(event.position(), position, "positions are dense");
        let data: serde_json::Value = serde_json::from_str(event.data()).unwrap();
        assert!(stored.insert(data["number"].as_u64().unwrap()), "stored twice: {data}");
        let payments = payments.entry(event.tags()[0].as_str()).or_default();
        assert_eq!(data["after"], *payments, "a decision knows every event before it, whatever became of snapshots");
        *payments += 1;
    }
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
    let ahead =
        "SELECT count(*) FROM cqrs_snapshots WHERE position > (SELECT coalesce(max(position), 0) FROM cqrs_events)";
    assert_eq!(number(&client(database.url()).await, ahead).await, 0, "no snapshot is of events that are not there");
    views_agree(&log, page).await;
    stored.len()
}

/// Lets another app fold a copy of the log from its beginning, and compares every row of every view.
async fn views_agree(log: &PostgresLog, page: Page) {
    let copy = MemoryLog::new();
    let mut transaction = copy.begin().await.unwrap();
    transaction.append(&page.events, &[]).await.unwrap();
    transaction.commit().await.unwrap();
    let anew = App::builder().log(copy).only([TILLS]).build().await.unwrap();
    anew.caught_up(page.up_to, Duration::from_secs(60)).await.unwrap();
    let views = log.views().unwrap();
    assert!(views.parked().await.unwrap().is_empty());
    for (view, shape) in anew.shapes() {
        let folded = rows(&**anew.log(), &shape).await;
        assert_eq!(rows(log, &shape).await, folded, "{view} is what the log makes");
    }
    for entry in registered().filter(|entry| entry.module == TILLS) {
        if let (Item::Projection(projection), false) = (&entry.item, page.events.is_empty()) {
            let checkpoint = checkpoint_as_stored(&*views, projection.name).await.unwrap();
            assert_eq!(checkpoint.position, page.up_to, "{} stands where the log does", projection.name);
        }
    }
}

/// All rows of a view, by their keys.
async fn rows(log: &dyn EventLog, shape: &ViewShape) -> Vec<Row> {
    let all = RowQuery { filter: Filter::All(Vec::new()), order: Vec::new(), limit: None, offset: 0 };
    let views = log.views().unwrap();
    views.find(shape, &all).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kills_and_crashes_at_any_instant() {
    let rounds = given("CQRS_CRASH_ROUNDS").unwrap_or(20);
    let mut random = Random::new(seed());
    let server = Postgres::start().unwrap();
    let (mut done, mut snapshots) = (0, 0);
    let mut log = None;
    for number_of in 1..=rounds {
        let (database, mut acknowledged) = if let Some(log) = log.take() {
            log
        } else {
            let database = server.new_database().unwrap();
            drop(till::app(database.url()).await);
            (database, BTreeSet::new())
        };
        // The first that was not acknowledged: it may be stored all the same.
        let from = (0..=u64::MAX).find(|number| !acknowledged.contains(number)).unwrap();
        let load = Load::start(database.url(), from);
        tokio::task::block_in_place(|| {
            round(&server, number_of % 2 == 0, &mut random, load, &mut acknowledged);
        });
        let stored = check(&database, &acknowledged).await;
        println!("round {number_of}: {} acknowledged, {stored} stored", acknowledged.len());
        if stored > LONG || number_of == rounds {
            done += acknowledged.len();
            snapshots += number(&client(database.url()).await, "SELECT count(*) FROM cqrs_snapshots").await;
        } else {
            log = Some((database, acknowledged));
        }
    }
    println!("{done} commands acknowledged");
    assert!(snapshots > 0, "no snapshot was taken: the test tests too little");
}

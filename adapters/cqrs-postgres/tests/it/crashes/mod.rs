//! `kill -9` of a program at any instant of a load, and crashes of its server: afterwards every
//! acknowledged event is stored exactly once, and the views agree with the log.
//!
//! `CQRS_CRASH_ROUNDS` sets the number of rounds (default: 20; every second one also crashes the
//! server); `CQRS_SEED` repeats the choices of a run.

mod till;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use cqrs_conformance::views::checkpoint_as_stored;
use cqrs_postgres::PostgresLog;
use cqrs_runtime::App;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog, Page, Position};
use cqrs_runtime::registry::{Item, registered};
use cqrs_runtime::view::{Row, RowQuery, ViewShape};
use cqrs_test_servers::{Database, Postgres};
use till::{IN_FLIGHT, TILLS};

use crate::chance::{Random, given, seed};
use crate::support::{client, number};

/// How long a load may be silent.
const PATIENCE: Duration = Duration::from_secs(120);

/// The length at which a log is replaced with a new one.
const LONG: usize = 2_000;

/// A program under load.
struct Load {
    child: Child,
    accepted: Receiver<u64>,
}

impl Load {
    fn start(url: &str, from: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["crashes::till::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        child.env(till::URL, url).env(till::FROM, from.to_string());
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let (send, accepted) = mpsc::channel();
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
        Self { child, accepted }
    }

    /// Waits until this many more commands are acknowledged.
    fn wait_for(&self, more: u64, acknowledged: &mut BTreeSet<u64>) {
        for _ in 0..more {
            acknowledged.insert(self.accepted.recv_timeout(PATIENCE).expect("the load goes on"));
        }
    }

    /// Kills it, and collects its last acknowledgements.
    fn kill(mut self, acknowledged: &mut BTreeSet<u64>) {
        assert!(self.child.try_wait().unwrap().is_none(), "it does not end by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        acknowledged.extend(self.accepted.iter());
    }
}

/// One load from start to end.
fn round(server: &Postgres, crash: bool, random: &mut Random, load: Load, acknowledged: &mut BTreeSet<u64>) {
    if crash || random.below(2) == 0 {
        load.wait_for(1, acknowledged);
    }
    // The instant is what is tested: it waits for nothing.
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
    acknowledged.extend(load.accepted.try_iter());
    // More commands than can have been under way at the crash: the load continues, and sends each
    // command until it is accepted.
    load.wait_for(2 * IN_FLIGHT, acknowledged);
    load.kill(acknowledged);
}

/// Checks the state after the crash, before an app changes anything.
async fn check(database: &Database, acknowledged: &BTreeSet<u64>) -> usize {
    let log = PostgresLog::builder(database.url()).readers(2).open().await.unwrap();
    // This waits for the server processes of the killed program.
    let _locked = log.begin().await.unwrap();
    let page = log.read(&EventQuery::all(), Position::START, 1_000_000).await.unwrap();
    let mut stored = BTreeSet::new();
    let mut payments: BTreeMap<&str, u64> = BTreeMap::new();
    for (event, position) in page.events.iter().zip(1_u64..) {
        assert_eq!(event.position(), position, "positions are dense");
        let data: serde_json::Value = serde_json::from_str(event.data()).unwrap();
        assert!(stored.insert(data["number"].as_u64().unwrap()), "stored twice: {data}");
        let payments = payments.entry(event.tags()[0].as_str()).or_default();
        assert_eq!(data["after"], *payments, "a decision knows every event before it, with or without snapshots");
        *payments += 1;
    }
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged but lost: {lost:?}");
    let ahead =
        "SELECT count(*) FROM cqrs_snapshots WHERE position > (SELECT coalesce(max(position), 0) FROM cqrs_events)";
    assert_eq!(number(&client(database.url()).await, ahead).await, 0, "no snapshot refers to missing events");
    views_agree(&log, page).await;
    stored.len()
}

/// Lets another app fold a copy of the log from its start, and compares all rows of all views.
async fn views_agree(log: &PostgresLog, page: Page) {
    let copy = MemoryLog::new();
    let mut transaction = copy.begin().await.unwrap();
    transaction.append(&page.events, &[]).await.unwrap();
    transaction.commit().await.unwrap();
    let anew = App::builder().log(copy).only_modules([TILLS]).build().await.unwrap();
    anew.caught_up(page.up_to, Duration::from_secs(60)).await.unwrap();
    let views = log.views().unwrap();
    assert!(views.parked().await.unwrap().is_empty());
    for (view, shape) in anew.shapes() {
        let folded = rows(&**anew.log(), &shape).await;
        assert_eq!(rows(log, &shape).await, folded, "{view} matches the log");
    }
    for entry in registered().filter(|entry| entry.module == TILLS) {
        if let (Item::Projection(projection), false) = (&entry.item, page.events.is_empty()) {
            let checkpoint = checkpoint_as_stored(&*views, projection.name).await.unwrap();
            assert_eq!(checkpoint.position, page.up_to, "{} is at the log's position", projection.name);
        }
    }
}

/// All rows of a view, sorted by key.
async fn rows(log: &dyn EventLog, shape: &ViewShape) -> Vec<Row> {
    let all = RowQuery::all();
    let views = log.views().unwrap();
    views.find(shape, &all).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_events_survive_kills_and_crashes_at_any_instant() {
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
        // The first command without acknowledgement: it may be stored or not.
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

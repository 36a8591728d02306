//! A view that is added at level 1 on a long log is built while commands go on, which do not wait for it.
//!
//! `CQRS_REBUILD_EVENTS` says how long the log is (default: 100,000 events).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cqrs_runtime::app::HealthStatus;
use cqrs_runtime::log::{EventLog, RawEvent, append_raw};
use cqrs_runtime::prelude::*;
use cqrs_test_servers::Postgres;
use cqrs_tests::chance::given;
use cqrs_versions_tests::places::open_log;
use cqrs_versions_tests::shelves::{Stock, Tallies, group_of, shelf};

/// The modules of the program as it was, and those of the view that is added.
const BEFORE: [&str; 1] = ["cqrs_versions_tests::shelves"];
const SINCE: [&str; 2] = [BEFORE[0], module_path!()];

/// How many sensors there are.
const SENSORS: u64 = 500;

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(3_600);

#[derive(Event, Serialize, Deserialize)]
struct Measured {
    number: u64,
    value: u64,
}

#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Sensor {
    #[key]
    number: u64,
    measured: u64,
    sum: u64,
}

#[projection(on = [Measured])]
impl Sensor {
    fn measured(this: Option<Self>, event: &Measured) -> Self {
        let (measured, sum) = this.map_or((0, 0), |this| (this.measured, this.sum));
        Self { number: event.number, measured: measured + 1, sum: sum + event.value }
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Sensor>)]
struct Sensors {}

#[query]
async fn sensors(_q: Sensors, sensors: Views<Sensor>) -> Result<Vec<Sensor>, QueryError> {
    sensors.scan().all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_is_added_in_sqlite_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    add_a_view(folder.path().join("log.db").to_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_is_added_in_postgres_holds_up_nobody() {
    add_a_view(Postgres::shared().database().url()).await;
}

async fn add_a_view(url: &str) {
    let events = given("CQRS_REBUILD_EVENTS").unwrap_or(100_000);
    fill(&*open_log(url).await, events).await;
    let old = App::builder().log(open_log(url).await).only_modules(BEFORE).build().await.unwrap();
    old.ready(LONG).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(old, Arc::clone(&stop)));

    let started = Instant::now();
    let new = App::builder().log(open_log(url).await).only_modules(SINCE).build().await.unwrap();
    assert!(!new.is_ready().await, "a deployment holds traffic back");
    let health = new.health().await;
    assert_eq!(health.status, HealthStatus::Degraded, "health says what is being built: {health}");
    assert!(health.problems.iter().any(|problem| problem.part.contains("Sensor")), "{health}");
    let (mut seen, mut looks) = (0, 0_u32);
    loop {
        match new.queries().ask(Sensors {}).await {
            Err(QueryError::NotBuilt(how_far)) => {
                let (at, of) = (how_far.position.get(), how_far.of.get());
                assert!(how_far.view == "Sensor" && seen <= at && at < of, "from {seen} to {at} of {of}");
                (seen, looks) = (at, looks + 1);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answer => {
                let answer = answer.unwrap();
                assert_eq!(
                    answer.iter().map(|sensor| sensor.measured).sum::<u64>(),
                    events,
                    "the first answer is whole"
                );
                break;
            }
        }
        assert!(started.elapsed() < LONG);
    }
    let took = started.elapsed();
    new.ready(LONG).await.unwrap();
    stop.store(true, Ordering::SeqCst);
    let commands = writer.await.unwrap();
    let during: Vec<Duration> =
        commands.iter().filter(|(at, _)| (started..started + took).contains(at)).map(|(_, took)| *took).collect();
    let longest = during.iter().max().copied().unwrap_or_default();
    println!("{events} events in {took:?}, {looks} looks; {} commands, {longest:?} the longest", during.len());
    assert!(looks > 2 && seen > 0, "its progress shows");
    assert!(during.len() > 25, "commands go on while it is built: {}", during.len());
    assert!(longest < took / 4, "a command waited for {longest:?}, of {took:?} that the view took");
}

async fn fill(log: &dyn EventLog, events: u64) {
    let event = |number: u64| RawEvent::of(&Measured { number: number % SENSORS, value: number }).unwrap();
    for first in (0..events).step_by(10_000) {
        append_raw(log, (first..events.min(first + 10_000)).map(event).collect(), Meta::new()).await.unwrap();
    }
}

/// Writes all the time, and reads what it has written. Returns when each command was executed, and how long it took.
async fn write(app: App, stop: Arc<AtomicBool>) -> Vec<(Instant, Duration)> {
    let mut commands = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let started = Instant::now();
        app.commands().execute(Stock { shelf: shelf(1), times: 1 }).await.unwrap();
        commands.push((started, started.elapsed()));
        let tallies = app.queries().ask(Tallies { group: group_of(shelf(1)) }).await.unwrap();
        assert_eq!(tallies[0].stocked, commands.len() as u64, "its own write");
    }
    commands
}

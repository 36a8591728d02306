//! A view is rebuilt from a long log while commands and questions keep arriving: the old build answers until the new one does, and
//! memory stays flat.
//!
//! `CQRS_REBUILD_EVENTS` says how long the log is (default: 60,000 events). The process that rebuilds does nothing else,
//! and its peak memory is held against a bound that is the same for a log of any length: on Linux, which tells it.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cqrs_runtime::event::{EventHeader, RecordedEvent};
use cqrs_runtime::log::{EventLog, EventQuery, Position};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::RowQuery;
use cqrs_test_servers::Postgres;
use cqrs_tests::chance::{Random, given};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::counters::{BUILD, COUNTERS, Count, Counted, GROUP, OfGroup, Tally, counter, shapes};
use super::places::{ReadServer, open_log, open_views};

const LOG: &str = "CQRS_REBUILD_LOG";
const VIEWS: &str = "CQRS_REBUILD_VIEWS";
const EVENTS: &str = "CQRS_REBUILD_EVENTS";

/// How often each counter was counted before the rebuild.
const COUNTS: u64 = 50;

/// How many tasks ask, and how many of them also write.
const READERS: u32 = 3;
const CUSTOMERS: u32 = 2;

/// What is asked about: so many groups, the first ones.
const GROUPS: u32 = 32;

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(3_600);

/// How much more memory than an app with empty views may be in use at any moment, in KiB.
///
/// A page of 5,000 events is some MiB. Of the old build and of the new one there is one that is folded, with the rows that it touches, and
/// one that was read ahead; and `SQLite` has its caches. The log as a whole is more, from 60,000 events on.
const MOST: u64 = 32 << 10;

/// What the process has measured.
#[derive(Serialize, Deserialize, Debug, Default)]
struct Measured {
    events: u64,
    first_build_seconds: f64,
    rebuild_seconds: f64,
    answers: u64,
    commands: u64,
    /// The longest that an answer of the old or the new build took, at any time, and where it was the last or the first.
    longest_answer: Duration,
    longest_at_the_switch: Duration,
    /// The longest that a command and a question after it took.
    longest_own_write: Duration,
    /// KiB, after the app was built on an empty view, and at most; where the system tells.
    peak_before: Option<u64>,
    peak: Option<u64>,
}

/// The greatest resident set so far, in KiB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Not a test: the process that builds a view, and builds it again while it is used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by other tests, in a process of its own"]
async fn child() {
    let (Ok(log), Ok(views)) = (std::env::var(LOG), std::env::var(VIEWS)) else { return };
    let mut measured = Measured { events: given(EVENTS).unwrap(), ..Measured::default() };
    BUILD.store(1, Ordering::SeqCst);
    let started = Instant::now();
    let builder = App::builder().log(open_log(&log).await).views(open_views(&views).await);
    let app = builder.only_modules([COUNTERS]).build().await.unwrap();
    measured.peak_before = peak();
    app.caught_up(Position::new(measured.events), LONG).await.unwrap();
    measured.first_build_seconds = started.elapsed().as_secs_f64();

    BUILD.store(2, Ordering::SeqCst);
    let stop = Arc::new(AtomicBool::new(false));
    let (mut reading, mut writing) = (JoinSet::new(), JoinSet::new());
    for reader in 0..READERS {
        reading.spawn(read(app.clone(), Arc::clone(&stop), reader));
    }
    for customer in 0..CUSTOMERS {
        writing.spawn(write(app.clone(), Arc::clone(&stop), customer));
    }
    let started = Instant::now();
    app.rebuild("Tally").await.unwrap();
    measured.rebuild_seconds = started.elapsed().as_secs_f64();
    // And for a while on the new one.
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::SeqCst);
    while let Some(told) = reading.join_next().await {
        let told = told.unwrap();
        measured.answers += told.answers;
        measured.longest_answer = measured.longest_answer.max(told.longest);
        measured.longest_at_the_switch = measured.longest_at_the_switch.max(told.at_the_switch);
    }
    while let Some(told) = writing.join_next().await {
        let (commands, longest) = told.unwrap();
        measured.commands += commands;
        measured.longest_own_write = measured.longest_own_write.max(longest);
    }
    measured.peak = peak();
    app.close().await;
    println!("\nmeasured {}", serde_json::to_string(&measured).unwrap());
}

/// What a reader was answered.
#[derive(Default)]
struct Told {
    answers: u64,
    longest: Duration,
    at_the_switch: Duration,
}

/// Asks all the time. Each answer is whole, of one build, and never older than one before.
async fn read(app: App, stop: Arc<AtomicBool>, reader: u32) -> Told {
    let (mut random, mut told) = (Random::new(reader.into()), Told::default());
    let (mut build, mut before, mut seen) = (1, Duration::ZERO, BTreeMap::new());
    while !stop.load(Ordering::SeqCst) {
        let group = u32::try_from(random.below(GROUPS.into())).unwrap();
        let asked = Instant::now();
        let tallies = app.queries().ask(OfGroup { group }).await.unwrap();
        let took = asked.elapsed();
        assert_eq!(tallies.len(), GROUP as usize, "a whole group");
        for tally in &tallies {
            assert_eq!(tally.applied, tally.number, "each event is applied once");
            let least = seen.insert(tally.counter, tally.number).unwrap_or(COUNTS);
            assert!(tally.number >= least, "{} went back from {least} to {}", tally.counter, tally.number);
            assert_eq!(tally.build, tallies[0].build, "no answer is of both builds");
        }
        assert!(tallies[0].build >= build, "the old build is gone for good");
        if tallies[0].build > build {
            build = tallies[0].build;
            told.at_the_switch = took.max(before);
        }
        (told.answers, told.longest, before) = (told.answers + 1, told.longest.max(took), took);
    }
    assert_eq!(build, 2, "the new build is what is read in the end");
    told
}

/// Counts all the time, and reads each of its own writes. Nobody else counts the same counters.
async fn write(app: App, stop: Arc<AtomicBool>, customer: u32) -> (u64, Duration) {
    let (mut commands, mut longest, mut counts) = (0, Duration::ZERO, BTreeMap::new());
    for group in (0..GROUPS).cycle() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let counter = counter(group * GROUP + customer);
        let started = Instant::now();
        let at = app.commands().execute(Count { counter }).await.unwrap().position();
        commands += 1;
        let count = counts.entry(group).or_insert(COUNTS);
        *count += 1;
        let tallies = app.queries().after(at).within(LONG).ask(OfGroup { group }).await.unwrap();
        longest = longest.max(started.elapsed());
        let own = tallies.iter().find(|tally| tally.counter == counter).unwrap();
        assert_eq!(own.number, *count, "its own write, neither less nor more");
    }
    (commands, longest)
}

/// A log of so many counts, as many of each counter.
async fn fill(log: &dyn EventLog, events: u64) {
    let counters = events / COUNTS;
    let mut position = log.head().await.unwrap();
    while position.get() < events {
        let mut tx = log.begin().await.unwrap();
        let mut page = Vec::new();
        while page.len() < 1_000 && position.get() < events {
            let (number, of) = (position.get() / counters + 1, position.get() % counters);
            position = position.next();
            page.push(counted(position, u32::try_from(of).unwrap(), number));
        }
        tx.append(&page, &[]).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn counted(position: Position, of: u32, number: u64) -> RecordedEvent {
    let counter = counter(of);
    let header = EventHeader {
        position,
        id: Uuid::now_v7(),
        name: "Counted".into(),
        version: 1,
        tags: vec![cqrs_runtime::Tag::from_text(&format!("counter:{counter}"))],
        meta: Arc::new(Meta::new()),
        recorded_at: Timestamp::now(),
    };
    let data = serde_json::to_string(&Counted { counter, number, in_lap: 1 }).unwrap();
    RecordedEvent::new(header, data.into())
}

/// Fills a log, has it rebuilt, and looks whether every row holds what the log says.
async fn rebuild(log_url: &str, views_url: &str, events: u64) -> Measured {
    let log = open_log(log_url).await;
    let started = Instant::now();
    fill(&*log, events).await;
    println!("{events} events are there after {:?}", started.elapsed());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["chaos::rebuild::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    // The GNU allocator would keep for each thread what others could use, and `SQLite` is called on many.
    child.env("MALLOC_ARENA_MAX", "1");
    child.env(LOG, log_url).env(VIEWS, views_url).env(EVENTS, events.to_string());
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let measured = said.lines().find_map(|line| line.strip_prefix("measured ")).unwrap();
    let measured: Measured = serde_json::from_str(measured).unwrap();

    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut after = Position::START;
    loop {
        let page = log.read(&EventQuery::named(&["Counted"]), after, 10_000).await.unwrap();
        for event in &page.events {
            *counts.entry(event.tags()[0].id().to_owned()).or_default() += 1;
        }
        after = page.up_to;
        if !page.more {
            break;
        }
    }
    assert_eq!(counts.values().sum::<u64>(), events + measured.commands, "every command is there");
    let every = RowQuery::all();
    let rows = open_views(views_url).await.find(&shapes().await[0], &every).await.unwrap();
    assert_eq!(rows.len(), counts.len());
    for row in rows {
        let tally: Tally = serde_json::from_str(&row.document).unwrap();
        let count = counts[&row.key];
        assert_eq!((tally.applied, tally.number, tally.build), (count, count, 2), "{}", row.key);
    }
    measured
}

#[expect(clippy::cast_precision_loss, reason = "a rate is for reading")]
fn judge(measured: &Measured) {
    let (first, again) = (measured.first_build_seconds, measured.rebuild_seconds);
    let (first, again) = (measured.events as f64 / first, measured.events as f64 / again);
    println!("{measured:#?}\n{first:.0} events/s at first, {again:.0} events/s rebuilt");
    assert!(measured.answers > 20 && measured.commands > 1, "the test tests too little");
    if let (Some(before), Some(peak)) = (measured.peak_before, measured.peak) {
        assert!(peak - before < MOST, "{} KiB more than before the first event", peak - before);
    }
}

fn wanted() -> u64 {
    let whole = COUNTS * u64::from(GROUP);
    given(EVENTS).unwrap_or(60_000).max(whole * u64::from(GROUPS)).next_multiple_of(whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_in_postgres_is_rebuilt_in_flat_memory_while_it_is_used() {
    let (database, server) = (Postgres::shared().database(), ReadServer::postgres());
    judge(&rebuild(database.url(), server.url(), wanted()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_in_sqlite_is_rebuilt_in_flat_memory_while_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    judge(&rebuild(&path("log.db"), &path("views.db"), wanted()).await);
}

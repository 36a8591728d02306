//! The work of each process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cqrs_postgres::PostgresLog;
use cqrs_runtime::log::{AppendEntry, EventLog, EventQuery, QueryItem, append};
use cqrs_runtime::prelude::*;
use rustix::time::{ClockId, clock_gettime};

use super::WRITERS;
use super::check::{Did, Known, Op};
use super::events::{KeyId, Marked, Noted};
use crate::chance::{Random, given};

pub const URL: &str = "CQRS_LINEAR_URL";
pub const PROCESS: &str = "CQRS_LINEAR_PROCESS";
pub const SEED: &str = "CQRS_LINEAR_CHILD_SEED";
pub const SECONDS: &str = "CQRS_LINEAR_CHILD_SECONDS";

/// The minimum number of operations of each writer.
const LEAST: u32 = 20;

#[derive(Id)]
pub struct CounterId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Counted {
    #[tag]
    counter: CounterId,
    number: u64,
    op: u64,
}

pub struct Counter {
    count: u64,
}

#[aggregate(id = CounterId, on = [Counted])]
impl Counter {
    fn counted(this: Option<Self>, _: &Counted) -> Self {
        Self { count: this.map_or(0, |this| this.count) + 1 }
    }
}

fn count_of(counter: Option<&Counter>) -> u64 {
    counter.map_or(0, |counter| counter.count)
}

#[derive(Debug, thiserror::Error)]
#[error("it is at {0}")]
pub struct Declined(u64);

/// Counts on. If it is careful, it refuses at multiples of three.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Declined)]
pub struct Count {
    counter: CounterId,
    careful: bool,
    op: u64,
}

#[command]
fn count(cmd: Count, counter: Option<&Counter>) -> Result<Counted, Declined> {
    let count = count_of(counter);
    if cmd.careful && count.is_multiple_of(3) {
        return Err(Declined(count));
    }
    Ok(Counted { counter: cmd.counter, number: count + 1, op: cmd.op })
}

/// Counts on by two at once.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Declined)]
pub struct CountBoth {
    one: CounterId,
    other: CounterId,
    op: u64,
}

#[command]
fn count_both(cmd: CountBoth, one: Option<&Counter>, other: Option<&Counter>) -> Result<(Counted, Counted), Declined> {
    Ok((
        Counted { counter: cmd.one, number: count_of(one) + 1, op: cmd.op },
        Counted { counter: cmd.other, number: count_of(other) + 1, op: cmd.op },
    ))
}

/// Nanoseconds on the monotonic clock that all processes of a machine share.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
}

/// One of many values, and every second time one of two.
fn pick(random: &mut Random) -> Uuid {
    let number = if random.below(2) == 0 { random.below(2) } else { 2 + random.below(300) };
    Uuid::from_u128(number.into())
}

struct Process {
    app: App,
    log: PostgresLog,
    ids: AtomicU64,
}

impl Process {
    /// A number that no other operation of any process has.
    fn id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    async fn append(&self, random: &mut Random, known: &mut u64) {
        let mut batch = Vec::new();
        for _ in 0..=random.below(3) {
            let id = self.id();
            let (key, beside) = (KeyId::from(pick(random)), KeyId::from(pick(random)));
            let entry = match random.below(4) {
                0 => AppendEntry::new(Marked { key, op: id }),
                1 => AppendEntry::new((Marked { key, op: id }, Noted { key, beside, op: id })),
                _ => AppendEntry::new(Noted { key, beside, op: id }),
            };
            let condition = (random.below(4) > 0).then(|| condition(random, *known));
            let entry = match &condition {
                Some(condition) => entry.unless(query(condition), Position::new(condition.after)),
                None => entry,
            };
            batch.push((id, condition, entry));
        }
        let (ids, entries): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|(id, condition, entry)| ((id, condition), entry)).unzip();
        let begin = now();
        let outcomes = append(&self.log, entries).await.unwrap();
        let end = now();
        for ((id, condition), outcome) in ids.into_iter().zip(outcomes) {
            let did = match outcome {
                Ok(at) => Did::Appended { first: at.first.get(), events: at.events as u64, condition },
                Err(_) => Did::Refused { condition: condition.unwrap() },
            };
            report(&Op { id, begin, end, did });
        }
    }

    async fn decide(&self, random: &mut Random) {
        let (id, counter) = (self.id(), CounterId::from(pick(random)));
        let other = CounterId::from(pick(random));
        let (begin, outcome, events) = if random.below(4) == 0 && counter != other {
            let command = CountBoth { one: counter, other, op: id };
            (now(), self.app.commands().execute(command).await, 2)
        } else {
            let command = Count { counter, careful: random.below(2) == 0, op: id };
            (now(), self.app.commands().execute(command).await, 1)
        };
        let end = now();
        let did = match outcome {
            Ok(receipt) => Did::Decided { last: receipt.position().get(), events },
            Err(error) => {
                let Some(Declined(count)) = error.rejection() else { panic!("{error}") };
                Did::Declined { counter: counter.tag().as_str().to_owned(), count: *count }
            }
        };
        report(&Op { id, begin, end, did });
    }

    async fn look(&self, known: &mut u64) {
        let (id, begin) = (self.id(), now());
        *known = self.log.head().await.unwrap().get();
        report(&Op { id, begin, end: now(), did: Did::Saw { head: *known } });
    }

    async fn write(self: Arc<Self>, mut random: Random, span: Duration) {
        let (started, mut known, mut done) = (Instant::now(), 0, 0);
        // On a slow machine it runs longer, to have some operations of each kind.
        while started.elapsed() < span || done < LEAST {
            done += 1;
            match random.below(8) {
                // Its knowledge becomes outdated while other writers append.
                0 | 1 => self.look(&mut known).await,
                2..=4 => self.append(&mut random, &mut known).await,
                _ => self.decide(&mut random).await,
            }
        }
    }
}

/// Some events: by one tag, by two, by name, or by alternatives.
fn condition(random: &mut Random, after: u64) -> Known {
    let key = |random: &mut Random| format!("key:{}", pick(random));
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let items = match random.below(6) {
        0 => vec![(names(&[]), vec![key(random)])],
        1 => vec![(names(&["Noted"]), vec![key(random)])],
        2 => vec![(names(&["Marked"]), vec![])],
        3 => vec![(names(&[]), vec![key(random), key(random)])],
        4 => vec![(names(&["Counted"]), vec![format!("counter:{}", pick(random))])],
        _ => vec![
            (names(&["Marked", "Noted"]), vec![key(random)]),
            (names(&["Counted"]), vec![format!("counter:{}", pick(random))]),
        ],
    };
    Known { items, after }
}

fn query(known: &Known) -> EventQuery {
    let items = known.items.iter().map(|(names, tags)| QueryItem {
        names: names.iter().map(|name| name.clone().into()).collect(),
        tags: tags.iter().map(|tag| cqrs_runtime::Tag::from_text(tag)).collect(),
    });
    EventQuery { items: items.collect() }
}

fn report(op: &Op) {
    println!("\nop {}", serde_json::to_string(op).unwrap());
}

/// Not a test: the work of each process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by another test, in a process of its own"]
async fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let number = |variable| given(variable).unwrap();
    let log = PostgresLog::builder(&url).readers(3).open().await.unwrap();
    let app = App::builder().log(log.clone()).only_modules([module_path!()]).build().await.unwrap();
    let (process, span) = (number(PROCESS), Duration::from_secs(number(SECONDS)));
    let of = Arc::new(Process { app, log, ids: AtomicU64::new(process << 40) });
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let random = Random::new(number(SEED) ^ (process * WRITERS + writer));
            tokio::spawn(Arc::clone(&of).write(random, span))
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

//! Commands and queries that keep going to a version, whichever process it runs in, and what its answers have to be.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cqrs_runtime::log::EventLog;
use cqrs_tests::chance::Random;
use cqrs_versions_tests::Question;
use cqrs_versions_tests::shelves::{GROUPS, shelf};
use serde_json::json;
use tokio::task::JoinSet;

use crate::model::Model;
use crate::program::{Killed, Program, Urls, Version};

/// How many shelves are stocked.
pub const SHELVES: u32 = 24;

/// The first of those that are never stocked, and fall over.
pub const BAD: u32 = 1_000;

/// The databases of a test, and what is known of them.
pub struct World {
    pub urls: Urls,
    pub log: Arc<dyn EventLog>,
    pub model: tokio::sync::Mutex<Model>,
    pub stop: AtomicBool,
    /// A number for each command.
    numbers: AtomicU64,
}

impl World {
    pub async fn new(urls: Urls, has_transactions: bool) -> Arc<Self> {
        let log = cqrs_versions_tests::places::open_log(&urls.log).await;
        let model = tokio::sync::Mutex::new(Model::new(&log, has_transactions));
        let (stop, numbers) = (AtomicBool::new(false), AtomicU64::new(0));
        Arc::new(Self { urls, log, model, stop, numbers })
    }

    pub fn is_level_1(&self) -> bool {
        self.urls.views.is_none()
    }

    /// A command under an id of its own.
    pub fn execute(&self, name: &str, data: serde_json::Value) -> Question {
        let id = self.numbers.fetch_add(1, Ordering::SeqCst);
        Question::Execute(name.to_owned(), data, format!("command {id}"))
    }
}

/// A version, in the process that it runs in now.
pub struct Side {
    pub version: Version,
    world: Arc<World>,
    program: Mutex<Arc<Program>>,
    /// Whether it has said that it is ready: from then on everything is built.
    pub was_ready: AtomicBool,
    /// Up to where answers of each query were known to be: later ones do not go back.
    shown: Mutex<BTreeMap<&'static str, u64>>,
    /// The longest answer of a command.
    pub longest: Mutex<Duration>,
    pub commands: AtomicU64,
    pub answers: AtomicU64,
    pub not_built: AtomicU64,
}

impl Side {
    pub fn start(version: Version, world: &Arc<World>) -> Arc<Self> {
        let program = Mutex::new(Program::start(version, &world.urls));
        Arc::new(Self {
            version,
            world: Arc::clone(world),
            program,
            was_ready: AtomicBool::new(false),
            shown: Mutex::default(),
            longest: Mutex::default(),
            commands: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            not_built: AtomicU64::new(0),
        })
    }

    pub fn program(&self) -> Arc<Program> {
        Arc::clone(&self.program.lock().unwrap())
    }

    /// Kills its process and starts another.
    pub fn restart(&self) {
        self.program().kill();
        *self.program.lock().unwrap() = Program::start(self.version, &self.world.urls);
    }

    /// Callers that keep asking, until the test stops them.
    pub fn keep_asking(self: &Arc<Self>, callers: &mut JoinSet<()>, random: &mut Random) {
        for _ in 0..2 {
            let (side, mut random) = (Arc::clone(self), Random::new(random.below(u64::MAX >> 11)));
            callers.spawn(async move {
                while !side.world.stop.load(Ordering::SeqCst) {
                    match side.command(&mut random).await {
                        Ok(position) => {
                            let after = (random.below(2) == 0).then_some(position);
                            let _ = side.query(&mut random, after).await;
                        }
                        // Its process is started again.
                        Err(Killed) => tokio::time::sleep(Duration::from_millis(5)).await,
                    }
                }
            });
        }
    }

    async fn command(&self, random: &mut Random) -> Result<u64, Killed> {
        let number = u32::try_from(random.below(SHELVES.into())).unwrap();
        let kinds = if self.version == Version::New { 8 } else { 7 };
        let question = match random.below(kinds) {
            0..4 => self.world.execute("Stock", json!({ "shelf": shelf(number), "times": 1 + random.below(3) })),
            4..6 => self.world.execute("Sell", json!({ "shelf": shelf(number), "times": 1 + random.below(2) })),
            6 => self.world.execute("Topple", json!({ "shelf": shelf(BAD + number % 4) })),
            _ => self.world.execute("Inspect", json!({ "shelf": shelf(number) })),
        };
        let started = Instant::now();
        let said = self.program().ask(question).await?;
        let mut longest = self.longest.lock().unwrap();
        *longest = started.elapsed().max(*longest);
        self.commands.fetch_add(1, Ordering::SeqCst);
        Ok(said.expect("a command is executed").as_u64().unwrap())
    }

    /// Asks any of its queries, and sees that the answer is right.
    pub async fn query(&self, random: &mut Random, after: Option<u64>) -> Result<(), Killed> {
        let queries: &[&'static str] = match self.version {
            Version::Old => &["Contents", "Tallies"],
            Version::New => &["Contents", "Tallies", "Inspections"],
        };
        let query = queries[usize::try_from(random.below(queries.len() as u64)).unwrap()];
        self.check(query, u32::try_from(random.below(GROUPS.into())).unwrap(), after).await
    }

    pub async fn check(&self, query: &'static str, group: u32, after: Option<u64>) -> Result<(), Killed> {
        let (version, was_ready) = (self.version, self.was_ready.load(Ordering::SeqCst));
        let shown = self.shown.lock().unwrap().get(query).copied().unwrap_or_default();
        // At level 1 an answer shows all that the log holds, asked so or not.
        let from = if self.world.is_level_1() { self.world.log.head().await.unwrap().get() } else { shown };
        let from = after.map_or(from, |after| after.max(from));
        let question = Question::Ask(query.to_owned(), json!({ "group": group }), after);
        match self.program().ask(question).await? {
            Ok(answer) => {
                let mut model = self.world.model.lock().await;
                model.read().await;
                let fault = model.fault(version, query, group, &answer, from);
                assert!(fault.is_none(), "{version:?} {query} of {group} after {after:?}: {}", fault.unwrap());
                self.answers.fetch_add(1, Ordering::SeqCst);
                if after.is_some() {
                    let mut all = self.shown.lock().unwrap();
                    let shown = all.entry(query).or_default();
                    *shown = from.max(*shown);
                }
            }
            Err((kind, error)) => {
                let is_new = version == Version::New && query != "Tallies" && !was_ready;
                assert!(kind == "NotBuilt" && is_new, "{version:?} {query} after {after:?}: {kind}: {error}");
                self.not_built.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    /// Waits until it says that everything is built.
    pub async fn ready(&self) -> Result<(), Killed> {
        let said = self.program().ask(Question::Ready(45_000)).await?;
        said.unwrap_or_else(|error| panic!("{:?} gets ready: {error:?}", self.version));
        self.was_ready.store(true, Ordering::SeqCst);
        Ok(())
    }
}

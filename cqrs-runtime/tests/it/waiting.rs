//! Every wait has a bound, and nothing blocks unrelated work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cqrs_runtime::AppBuilder;
use cqrs_runtime::log::{BoxFuture, EventLog, EventQuery, LogTransaction, MemoryLog, Page, RawEvent, StoreError};
use cqrs_runtime::policy::RetryPolicy;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::ViewStore;
use tokio::sync::watch;

/// Things that are counted.
pub mod counting {
    use std::convert::Infallible;

    use cqrs_runtime::prelude::*;

    use super::Inside;

    #[derive(Id)]
    pub struct ThingId(String);

    #[derive(Event, Serialize, Deserialize)]
    pub struct Counted {
        #[tag]
        pub thing: ThingId,
        pub amount: i64,
    }

    pub struct Thing {
        pub total: i64,
        pub times: u64,
    }

    #[aggregate(id = ThingId, on = [Counted])]
    impl Thing {
        fn counted(this: Option<Self>, e: &Counted) -> Self {
            let before = this.unwrap_or(Self { total: 0, times: 0 });
            assert_ne!(e.amount, -13, "it cannot be folded");
            Self { total: before.total + e.amount, times: before.times + 1 }
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{total} after {times} times")]
    pub struct Total {
        pub total: i64,
        pub times: u64,
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct Count {
        pub thing: ThingId,
        pub amount: i64,
    }

    #[command]
    fn count(cmd: Count, _thing: Option<&Thing>) -> Result<Counted, Infallible> {
        Ok(Counted { thing: cmd.thing, amount: cmd.amount })
    }

    /// Tells what it decided on.
    #[derive(Command, Serialize, Deserialize)]
    #[cqrs(error = Total)]
    pub struct Tell {
        pub thing: ThingId,
    }

    #[command]
    fn tell(cmd: Tell, thing: Option<&Thing>) -> Result<Option<Counted>, Total> {
        let _ = cmd.thing;
        Err(Total { total: thing.map_or(0, |thing| thing.total), times: thing.map_or(0, |thing| thing.times) })
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct Move {
        pub from: ThingId,
        pub to: ThingId,
    }

    #[command]
    fn move_one(cmd: Move, _from: Option<&Thing>, _to: Option<&Thing>) -> Result<[Counted; 2], Infallible> {
        Ok([Counted { thing: cmd.from, amount: -1 }, Counted { thing: cmd.to, amount: 1 }])
    }

    #[derive(Command, Serialize, Deserialize, Clone)]
    #[cqrs(error = InnerFailed)]
    pub struct CountSlowly {
        pub thing: ThingId,
        pub inside: bool,
    }

    /// On conflicts it is run again. It counts its attempts, and sends a command of its own if it is to.
    #[command(retry)]
    async fn count_slowly(
        cmd: CountSlowly,
        thing: Option<&Thing>,
        inside: State<Inside>,
    ) -> Result<Counted, InnerFailed> {
        let amount = i64::try_from(thing.map_or(0, |thing| thing.times)).unwrap_or(i64::MAX);
        inside.attempt();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        if cmd.inside {
            let bus = inside.bus.lock().unwrap().clone().expect("the app's bus");
            let inner = Count { thing: cmd.thing.clone(), amount: 0 };
            bus.execute(inner).await.map_err(|error| InnerFailed(error.to_string()))?;
        }
        Ok(Counted { thing: cmd.thing, amount })
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    pub struct InnerFailed(pub String);
}
use counting::{Count, CountSlowly, Move, Tell, ThingId, Total};

const COUNTING: &str = concat!(module_path!(), "::counting");

/// What workflows are given: their app's bus, and where their attempts are counted.
#[derive(Default)]
pub struct Inside {
    bus: Mutex<Option<CommandBus>>,
    attempts: Mutex<u32>,
}

impl Inside {
    fn attempt(&self) {
        *self.attempts.lock().unwrap() += 1;
    }
}

/// A log some of whose answers are held back: reads of tags that contain a text, or the lock.
#[derive(Clone)]
struct Held {
    inner: MemoryLog,
    tag: Arc<watch::Sender<Option<&'static str>>>,
    lock: Arc<watch::Sender<bool>>,
    /// How often each tag was read from the log's start, outside the lock.
    reads: Arc<Mutex<HashMap<String, u32>>>,
}

impl Held {
    fn new() -> Self {
        let (tag, lock) = (Arc::new(watch::Sender::new(None)), Arc::new(watch::Sender::new(false)));
        Self { inner: MemoryLog::new(), tag, lock, reads: Arc::default() }
    }

    fn read_times(&self, tag: &str) -> u32 {
        self.reads.lock().unwrap().get(tag).copied().unwrap_or_default()
    }

    async fn has_read(&self, tag: &str) {
        while self.read_times(tag) == 0 {
            tokio::task::yield_now().await;
        }
    }
}

impl EventLog for Held {
    fn describe(&self) -> String {
        "the held log".into()
    }
    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let tags: Vec<String> =
                query.items.iter().flat_map(|item| &item.tags).map(|tag| tag.as_str().to_owned()).collect();
            if after == 0 {
                for tag in &tags {
                    *self.reads.lock().unwrap().entry(tag.clone()).or_default() += 1;
                }
            }
            let is_read = |held: &str| tags.iter().any(|tag| tag.contains(held));
            self.tag.subscribe().wait_for(|held| held.is_none_or(|held| !is_read(held))).await.unwrap();
            self.inner.read(query, after, limit).await
        })
    }
    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        self.inner.head()
    }
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
        Box::pin(async {
            self.lock.subscribe().wait_for(|held| !held).await.unwrap();
            self.inner.begin().await
        })
    }
    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        self.inner.views()
    }
}

fn thing(name: &str) -> ThingId {
    ThingId::new(name)
}

fn count(name: &str) -> Count {
    Count { thing: thing(name), amount: 1 }
}

async fn app_of(log: impl EventLog, change: impl FnOnce(AppBuilder) -> AppBuilder) -> (App, Arc<Inside>) {
    let inside = Arc::new(Inside::default());
    let builder = App::builder().log(log).only_modules([COUNTING]).shared_state(Arc::clone(&inside));
    let app = change(builder).build().await.unwrap();
    *inside.bus.lock().unwrap() = Some(app.commands());
    (app, inside)
}

async fn told(app: &App, name: &str) -> (i64, u64) {
    match app.commands().execute(Tell { thing: thing(name) }).await {
        Err(CommandError::Rejected(Total { total, times })) => (total, times),
        other => panic!("{other:?}"),
    }
}

/// Events that another program has appended.
async fn append(log: &impl EventLog, name: &str, amounts: impl Iterator<Item = i64>) {
    let event = |amount| RawEvent::of(&counting::Counted { thing: thing(name), amount }).unwrap();
    cqrs_runtime::log::append_raw(log, amounts.map(event).collect(), Meta::new()).await.unwrap();
}

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_hangs_holds_up_its_own_command_alone_and_fails_in_time() {
    let log = Held::new();
    let (app, _) = app_of(log.clone(), |builder| builder.store_timeout(Duration::from_secs(2))).await;
    app.commands().execute(count("warm")).await.unwrap();
    log.tag.send_replace(Some("stuck"));
    let stuck: Vec<_> =
        (0..80).map(|number| tokio::spawn(app.commands().execute(count(&format!("stuck {number}"))))).collect();
    let both = Move { from: thing("warm"), to: thing("stuck 0") };
    let both = tokio::spawn(app.commands().execute(both));
    log.has_read("thing:stuck 0").await;
    for _ in 0..20 {
        app.commands().execute(count("warm")).await.unwrap();
    }
    assert!(!both.is_finished() && stuck.iter().all(|stuck| !stuck.is_finished()), "they were not waited for");
    for stuck in stuck {
        let refused = stuck.await.unwrap().unwrap_err();
        assert!(matches!(&refused, CommandError::Unavailable(StoreError::Unavailable { .. })), "{refused:?}");
    }
    assert!(both.await.unwrap().is_err());
    log.tag.send_replace(None);
    assert_eq!(told(&app, "warm").await, (21, 21), "the one that was to move between both has changed neither");
    app.commands().execute(count("stuck 0")).await.unwrap();
    assert_eq!(told(&app, "stuck 0").await, (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_need_the_same_cold_aggregate_share_one_load() {
    let log = Held::new();
    append(&log, "old", 1..=2_500).await;
    let (app, _) = app_of(log.clone(), |builder| builder).await;
    log.tag.send_replace(Some("old"));
    let callers: Vec<_> = (0..50).map(|_| tokio::spawn(app.commands().execute(count("old")))).collect();
    log.has_read("thing:old").await;
    // What is appended while it is loaded is not missed.
    append(&log, "old", 1..=3).await;
    append(&log, "other", 1..=1_500).await;
    log.tag.send_replace(None);
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(told(&app, "old").await, (2_500 * 2_501 / 2 + 6 + 50, 2_553));
    // Twice where a caller came after the aggregate was in the sequencer's hands, and before others could know.
    let reads = log.read_times("thing:old");
    assert!(reads <= 2, "{reads} loads for 50 callers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_of_few_aggregates_forgets_and_stays_right() {
    let log = MemoryLog::new();
    for size in [0, 1, 2, 5] {
        let (app, _) = app_of(log.clone(), |builder| builder.aggregate_cache_capacity(size)).await;
        let before = told(&app, "0").await;
        let callers: Vec<_> = (0..8)
            .map(|caller| {
                let bus = app.commands();
                tokio::spawn(async move {
                    for round in 0..40 {
                        let (from, to) = ((caller + round) % 7, (caller * 3 + round * 5 + 1) % 7);
                        let moved = Move { from: thing(&from.to_string()), to: thing(&to.to_string()) };
                        bus.execute(moved).await.unwrap();
                    }
                })
            })
            .collect();
        for caller in callers {
            tokio::time::timeout(SOON, caller).await.expect("nothing waits for ever").unwrap();
        }
        let (mut total, mut times) = (0, 0);
        for name in 0..7 {
            let (one, often) = told(&app, &name.to_string()).await;
            (total, times) = (total + one, times + often);
        }
        assert_eq!(total, 0, "with {size} in memory, what leaves one comes to another");
        assert!(times >= 8 * 40 && told(&app, "0").await.1 >= before.1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_on_one_log_decide_on_the_same_however_far_they_are_apart() {
    let log = MemoryLog::new();
    let ((one, _), (other, _)) =
        (app_of(log.clone(), |builder| builder).await, app_of(log.clone(), |builder| builder).await);
    one.commands().execute(count("mine")).await.unwrap();
    one.commands().execute(count("theirs")).await.unwrap();
    // More than one program follows event by event.
    append(&log, "noise", 1..=21_000).await;
    for _ in 0..5 {
        other.commands().execute(count("theirs")).await.unwrap();
    }
    append(&log, "noise", 1..=21_000).await;
    assert_eq!(told(&one, "theirs").await, (6, 6));
    assert_eq!(told(&one, "mine").await, (1, 1));
    assert_eq!(told(&other, "theirs").await, (6, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_in_between_no_program_decides_on_what_is_old() {
    let log = Held::new();
    let few = |builder: AppBuilder| builder.aggregate_cache_capacity(6).store_timeout(Duration::from_millis(15));
    let apps = [app_of(log.clone(), few).await.0, app_of(log.clone(), few).await.0];
    for round in 0..25_u64 {
        let tasks: Vec<_> = (0..8_u64)
            .map(|task| {
                let bus = apps[usize::try_from(task % 2).unwrap()].commands();
                tokio::spawn(async move {
                    for number in 0..6 {
                        let name = ((task * 7 + number * 3 + round) % 6).to_string();
                        // Whether it succeeds is not at issue here.
                        let _ = bus.execute(count(&name)).await;
                        tokio::time::sleep(Duration::from_millis(task)).await;
                    }
                })
            })
            .collect();
        for held in [true, false] {
            log.lock.send_replace(held);
            // Another program has the lock.
            append(&log.inner, &(round % 6).to_string(), 0..3).await;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        let stored = log.inner.read(&EventQuery::all(), Position::START, 100_000).await.unwrap().events;
        for name in 0..6 {
            let tag = format!("thing:{name}");
            let times = stored.iter().filter(|event| event.tags()[0].as_str() == tag).count();
            for app in &apps {
                let (_, told) = told(app, &name.to_string()).await;
                assert_eq!(told, u64::try_from(times).unwrap(), "round {round}, {tag}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aggregate_that_refuses_its_event_is_loaded_again_and_holds_up_nobody() {
    let log = MemoryLog::new();
    let (app, _) = app_of(log, |builder| builder).await;
    let callers: Vec<_> = (0..60)
        .map(|caller| {
            let bus = app.commands();
            tokio::spawn(async move {
                let mut counted = 0;
                for _ in 0..20 {
                    let amount = if caller % 3 == 0 { -13 } else { 1 };
                    match bus.execute(Count { thing: thing("touchy"), amount }).await {
                        Ok(_) => counted += 1,
                        Err(error) => assert!(amount == -13 && matches!(error, CommandError::Corrupt(_)), "{error:?}"),
                    }
                }
                counted
            })
        })
        .collect();
    let mut counted = 0;
    for caller in callers {
        counted += tokio::time::timeout(SOON, caller).await.expect("each gets its turn").unwrap();
    }
    assert_eq!(counted, 40 * 20);
    assert_eq!(told(&app, "touchy").await, (800, 800));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_waits_longer_than_it_may_is_dropped_for_good() {
    let log = Held::new();
    let (app, inside) = app_of(log.clone(), |builder| builder).await;
    app.commands().execute(count("warm")).await.unwrap();
    let soon = app.commands().within(Duration::from_millis(60));
    // The lock is held: it waits in the queue, or in the batch that waits.
    log.lock.send_replace(true);
    for _ in 0..3 {
        let refused = soon.execute(count("warm")).await.unwrap_err();
        assert!(matches!(refused, CommandError::TimedOut) && refused.kind() == "TimedOut", "{refused:?}");
    }
    let patient = tokio::spawn(app.commands().execute(count("warm")));
    // A workflow waits for the sequencer once it has decided.
    let slow = CountSlowly { thing: thing("warm"), inside: false };
    assert!(matches!(soon.execute(slow).await, Err(CommandError::TimedOut)));
    // Over the wire, with a deadline of its own.
    let meta = Meta::new().within(Duration::from_millis(60));
    let json = r#"{"thing":"warm","amount":100}"#;
    let refused = app.commands().execute_json("Count", json, meta).await.unwrap_err();
    assert_eq!(refused.kind(), "TimedOut", "{refused}");
    log.lock.send_replace(false);
    patient.await.unwrap().unwrap();
    // A cold aggregate that cannot be loaded.
    log.tag.send_replace(Some("cold"));
    assert!(matches!(soon.execute(count("cold")).await, Err(CommandError::TimedOut)));
    assert!(matches!(
        soon.execute(CountSlowly { thing: thing("cold"), inside: false }).await,
        Err(CommandError::TimedOut)
    ));
    log.tag.send_replace(None);
    assert_eq!(told(&app, "warm").await, (2, 2), "nothing that was dropped is done later");
    assert_eq!(told(&app, "cold").await, (0, 0));
    assert_eq!(*inside.attempts.lock().unwrap(), 1, "the workflow whose aggregate could not be loaded was not run");
    let stored = log.inner.read(&EventQuery::all(), Position::START, 10).await.unwrap();
    assert!(stored.events.iter().all(|event| event.header().meta.deadline.is_none()));
}

/// Its caller waits no more: an HTTP client that hung up, say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_future_is_dropped_while_it_waits_is_not_executed() {
    let log = Held::new();
    let (app, _) = app_of(log.clone(), |builder| builder).await;
    app.commands().execute(count("warm")).await.unwrap();
    log.lock.send_replace(true);
    for name in ["warm", "cold"] {
        for _ in 0..3 {
            let given_up = tokio::time::timeout(Duration::from_millis(20), app.commands().execute(count(name))).await;
            assert!(given_up.is_err(), "the lock is held");
        }
    }
    let patient = tokio::spawn(app.commands().execute(count("warm")));
    log.lock.send_replace(false);
    patient.await.unwrap().unwrap();
    assert_eq!((told(&app, "warm").await, told(&app, "cold").await), ((2, 2), (0, 0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deadline_never_says_dropped_of_what_took_effect() {
    let (app, _) = app_of(MemoryLog::new(), |builder| builder).await;
    let mut counted = 0;
    for round in 0..40 {
        let tasks: Vec<_> = (0..40)
            .map(|number| {
                let time = Duration::from_micros((number * 7 + round) * 9);
                tokio::spawn(app.commands().within(time).execute(count("raced")))
            })
            .collect();
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => counted += 1,
                Err(error) => assert!(matches!(error, CommandError::TimedOut), "{error:?}"),
            }
        }
    }
    assert_eq!(told(&app, "raced").await, (counted, u64::try_from(counted).unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_workflows_meet_at_one_aggregate_all_get_through() {
    let (app, inside) = app_of(MemoryLog::new(), |builder| builder).await;
    let mut before = 0;
    for callers in [24, 64, 256] {
        let slow = || CountSlowly { thing: thing("hot"), inside: false };
        let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(app.commands().execute(slow()))).collect();
        // Decisions are taken in between.
        for _ in 0..10 {
            app.commands().execute(count("next to it")).await.unwrap();
        }
        for task in tasks {
            tokio::time::timeout(SOON, task).await.expect("in time").unwrap().unwrap();
        }
        let attempts = std::mem::take(&mut *inside.attempts.lock().unwrap());
        assert!(attempts <= callers * 4, "{attempts} attempts of {callers} callers: each is run four times at most");
        let (total, times) = told(&app, "hot").await;
        before += u64::from(callers);
        assert_eq!(times, before);
        assert_eq!(total, i64::try_from(times * (times - 1) / 2).unwrap(), "each was decided on all before it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workflow_that_sends_a_command_to_itself_under_the_lock_is_told_so() {
    let (app, inside) = app_of(MemoryLog::new(), |builder| builder).await;
    // Its own command makes it conflict, each time, until it is run under the lock.
    let started = Instant::now();
    let error = app.commands().execute(CountSlowly { thing: thing("self"), inside: true }).await.unwrap_err();
    assert!(error.to_string().contains("held the lock of the log"), "{error}");
    assert!(started.elapsed() < SOON / 4 && *inside.attempts.lock().unwrap() == 4);
    assert_eq!(told(&app, "self").await, (0, 3), "what it sent before stays");
    app.commands().execute(count("self")).await.expect("the lock is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_app_says_so_and_ends_in_time() {
    let log = Held::new();
    let (app, _) = app_of(log.clone(), |builder| builder.store_timeout(Duration::from_millis(500))).await;
    app.commands().execute(count("a")).await.unwrap();
    log.lock.send_replace(true);
    let queued = tokio::spawn(app.commands().execute(count("a")));
    while log.lock.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    let (closed, started) = (app.clone(), Instant::now());
    closed.close().await;
    assert!(started.elapsed() < Duration::from_secs(9), "it does not wait for a store that hangs");
    assert!(queued.await.unwrap().is_err(), "its caller has an answer");
    log.lock.send_replace(false);
    assert!(matches!(app.commands().execute(count("a")).await, Err(CommandError::ShutDown)));
    let slow = CountSlowly { thing: thing("a"), inside: false };
    assert!(matches!(app.commands().execute(slow).await, Err(CommandError::ShutDown)));
    app.close().await;
}

/// A policy that acts outside, where that is not broken.
pub mod reacting {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use cqrs_runtime::prelude::*;

    #[derive(Id)]
    pub struct JobId(Uuid);

    #[derive(Event, Serialize, Deserialize)]
    pub struct Asked {
        #[tag]
        pub job: JobId,
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct Ask {
        pub job: JobId,
    }

    #[command]
    fn ask(cmd: Ask) -> Result<Asked, std::convert::Infallible> {
        Ok(Asked { job: cmd.job })
    }

    #[derive(Default)]
    pub struct Outside {
        pub broken: AtomicBool,
        pub hangs: AtomicBool,
        pub attempts: AtomicU32,
        pub done: AtomicU32,
    }

    #[policy(on = [Asked])]
    async fn tell_outside(_e: &Asked, outside: State<Outside>) -> Result<(), String> {
        outside.attempts.fetch_add(1, Ordering::SeqCst);
        if outside.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if outside.broken.load(Ordering::SeqCst) {
            return Err("the outside is away".into());
        }
        outside.done.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

async fn reacting(log: &MemoryLog, outside: &Arc<reacting::Outside>) -> App {
    let builder = App::builder().log(log.clone()).only_modules([concat!(module_path!(), "::reacting")]);
    let builder =
        builder.shared_state(Arc::clone(outside)).policy_retry(RetryPolicy::new(1_000, Duration::from_millis(10)));
    builder.build().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_program_goes_on_at_once_with_what_a_closed_one_has_not_finished() {
    use std::sync::atomic::Ordering;
    let (log, outside) = (MemoryLog::new(), Arc::<reacting::Outside>::default());
    outside.broken.store(true, Ordering::SeqCst);
    let first = reacting(&log, &outside).await;
    first.commands().execute(reacting::Ask { job: reacting::JobId::new() }).await.unwrap();
    while outside.attempts.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let second = reacting(&log, &outside).await;
    outside.broken.store(false, Ordering::SeqCst);
    first.clone().close().await;
    let settled = tokio::time::timeout(Duration::from_secs(10), second.settled()).await;
    settled.expect("not after the half minute that a crashed program's claim lasts").unwrap();
    assert_eq!(outside.done.load(Ordering::SeqCst), 1, "once, by whichever came to it");
    assert!(first.settled().await.is_err(), "a closed app's policies have stopped");
    second.close().await;
}

//! Both versions answer commands and queries, while either is killed at random and operators ask for things.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cqrs_runtime::log;
use cqrs_test_servers::{Postgres, Redis};
use cqrs_tests::chance::{Random, given, seed};
use cqrs_versions_tests::Question;
use cqrs_versions_tests::places::open_log;
use cqrs_versions_tests::shelves::{GROUPS, shelf};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::program::{Killed, PATIENCE, Program, Urls, Version};
use crate::traffic::{BAD, SHELVES, Side, World};

/// How many events there are before the new version comes, so that it builds its views in several pages.
const BEFORE: u32 = 4_800;

/// The longest that a command may take, at any time.
const BOUND: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_share_an_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.db").to_str().unwrap().to_owned();
    survive(Urls { log, views: None }, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_share_a_postgres_database() {
    let database = Postgres::shared().database();
    survive(Urls { log: database.url().to_owned(), views: None }, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_share_views_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    survive(Urls { log: path("log.db"), views: Some(path("views.db")) }, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_share_views_in_postgres() {
    let (log, views) = (Postgres::shared().database(), Postgres::shared().database());
    survive(Urls { log: log.url().to_owned(), views: Some(views.url().to_owned()) }, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_share_views_in_redis() {
    let (folder, views) = (tempfile::tempdir().unwrap(), Redis::start().unwrap());
    let log = folder.path().join("log.db").to_str().unwrap().to_owned();
    survive(Urls { log, views: Some(views.url().to_owned()) }, false).await;
}

async fn survive(urls: Urls, has_transactions: bool) {
    let (rounds, mut random) = (given("CQRS_CRASH_ROUNDS").unwrap_or(5), Random::new(seed()));
    let world = World::new(urls, has_transactions).await;
    let old = Side::start(Version::Old, &world);
    fill(&world, &old).await;
    old.ready().await.unwrap();
    let mut callers = JoinSet::new();
    old.keep_asking(&mut callers, &mut random);

    // The new version comes while the old one is at work, and is killed while it builds its views, once at least.
    let new = Side::start(Version::New, &world);
    new.keep_asking(&mut callers, &mut random);
    tokio::time::sleep(Duration::from_millis(random.below(200))).await;
    new.restart();
    tokio::time::timeout(PATIENCE, new.ready()).await.expect("the new version is ready in time").unwrap();
    let operator = {
        let (sides, world, random) =
            ([Arc::clone(&old), Arc::clone(&new)], Arc::clone(&world), Random::new(random.below(1 << 40)));
        tokio::spawn(operate(sides, world, random))
    };
    for _ in 0..rounds {
        let side = if random.below(2) == 0 { &old } else { &new };
        tokio::time::sleep(Duration::from_millis(random.below(400))).await;
        side.restart();
        // Each lives long enough to answer.
        let seen = side.answers.load(Ordering::SeqCst);
        let started = Instant::now();
        while side.answers.load(Ordering::SeqCst) < seen + 5 {
            assert!(started.elapsed() < PATIENCE, "{:?} answers no more", side.version);
            if let Some(Err(ended)) = callers.try_join_next() {
                panic!("a caller saw what must not be: {ended}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    world.stop.store(true, Ordering::SeqCst);
    while let Some(ended) = callers.join_next().await {
        ended.expect("callers see nothing that must not be");
    }
    let operations = operator.await.unwrap();
    for side in [&old, &new] {
        let (longest, commands) = (*side.longest.lock().unwrap(), side.commands.load(Ordering::SeqCst));
        let (answers, not_built) = (side.answers.load(Ordering::SeqCst), side.not_built.load(Ordering::SeqCst));
        println!(
            "{:?}: {commands} commands, {longest:?} the longest; {answers} answers, {not_built} not built",
            side.version
        );
        assert!(longest < BOUND, "commands of {:?} wait for {longest:?}", side.version);
        assert!(commands > rounds && answers > rounds * 5, "the test tests too little");
    }
    println!("{} events, {operations} operations", world.log.head().await.unwrap());
    agree(&world, &old, &new).await;
    forget_the_old(&world, &old, &new).await;
}

/// Stocks the shelves, sells from them, and lets others fall over.
async fn fill(world: &World, side: &Side) {
    let program = side.program();
    for number in 0..SHELVES {
        for (name, times) in [("Stock", BEFORE / SHELVES * 3 / 4), ("Sell", BEFORE / SHELVES / 4)] {
            let data = json!({ "shelf": shelf(number), "times": times });
            program.say(world.execute(name, data)).await.unwrap();
        }
    }
    for number in BAD..BAD + 4 {
        program.say(world.execute("Topple", json!({ "shelf": shelf(number) }))).await.unwrap();
    }
}

/// Rebuilds, retries and skips, from either version. Each ends, or says why not. Returns how many did what was asked.
async fn operate(sides: [Arc<Side>; 2], world: Arc<World>, mut random: Random) -> u64 {
    let mut done = 0;
    while !world.stop.load(Ordering::SeqCst) {
        let side = &sides[usize::try_from(random.below(2)).unwrap()];
        let projection = ["Content", "Tally"][usize::try_from(random.below(2)).unwrap()].to_owned();
        let key = shelf(BAD + u32::try_from(random.below(4)).unwrap()).to_string();
        let question = match random.below(4) {
            0 | 1 => Question::Rebuild(projection),
            2 => Question::Retry(projection, key),
            _ => Question::Skip(projection, key),
        };
        match side.program().ask(question.clone()).await {
            Ok(Ok(_)) => done += 1,
            Ok(Err((kind, error))) => {
                let reasons = ["NotParked", "NotHandedOver", "TakenOver"];
                assert!(reasons.contains(&&*kind), "{:?} {question:?}: {kind}: {error}", side.version);
            }
            Err(Killed) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        tokio::time::sleep(Duration::from_millis(random.below(100))).await;
    }
    done
}

/// Everything is as a fresh process of each version folds it from a copy of the log.
async fn agree(world: &World, old: &Side, new: &Side) {
    let folder = tempfile::tempdir().unwrap();
    let copied = Urls { log: folder.path().join("copy.db").to_str().unwrap().to_owned(), views: None };
    let to = open_log(&copied.log).await;
    log::copy(&*world.log, &*to).await.unwrap();
    let head = world.log.head().await.unwrap().get();
    for (side, projections, queries) in [
        (new, &["Content", "Inspection", "Tally"][..], &["Contents", "Inspections", "Tallies"][..]),
        (old, &["Content"], &["Contents", "Tallies"]),
    ] {
        side.ready().await.unwrap();
        let (version, program, fresh) = (side.version, side.program(), Program::start(side.version, &copied));
        for projection in projections {
            let rebuilt = program.say(Question::Rebuild((*projection).to_owned())).await;
            assert!(rebuilt.is_ok(), "{version:?} rebuilds {projection}: {rebuilt:?}");
        }
        fresh.say(Question::Ready(45_000)).await.unwrap();
        for (query, group) in queries.iter().flat_map(|query| (0..GROUPS).map(move |group| (*query, group))) {
            let question = Question::Ask(query.to_owned(), json!({ "group": group }), Some(head));
            let (found, folded) = (program.say(question.clone()).await, fresh.say(question).await);
            assert_eq!(sorted(&found.unwrap()), sorted(&folded.unwrap()), "{version:?} {query} of {group}");
        }
        let parked = (program.say(Question::Parked).await, fresh.say(Question::Parked).await);
        assert_eq!(sorted(&parked.0.unwrap()), sorted(&parked.1.unwrap()), "what is parked of {version:?}");
    }
}

/// The old version goes; what it alone has used is removed; and the new one does not notice.
async fn forget_the_old(world: &World, old: &Side, new: &Side) {
    old.program().kill();
    // Its leases run out first.
    let started = Instant::now();
    let removed = loop {
        let removed = new.program().say(Question::RemoveUnused).await.unwrap();
        if removed != json!([]) {
            break removed;
        }
        assert!(started.elapsed() < PATIENCE, "nothing is removed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(removed, json!(["Content"]), "what the old version alone has used, and nothing else");
    for query in ["Contents", "Tallies", "Inspections"] {
        for group in 0..GROUPS {
            new.check(query, group, None).await.unwrap();
        }
    }
    // It comes back, and builds it again.
    old.restart();
    old.ready().await.unwrap();
    let head = world.log.head().await.unwrap().get();
    for group in 0..GROUPS {
        old.check("Contents", group, Some(head)).await.unwrap();
    }
}

fn sorted(answer: &Value) -> Vec<String> {
    let mut rows: Vec<String> = answer.as_array().unwrap().iter().map(Value::to_string).collect();
    rows.sort();
    rows
}

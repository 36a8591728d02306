//! Aggregates that are not in memory.
//!
//! `cargo bench -p cqrs-tests --bench cold` prints, for each log: how long a command waits on a warm account, alone and while one of
//! 100,000 events is loaded; and commands a second of 32 callers right after a restart, each on an account of 600 events.

use std::time::{Duration, Instant};

use cqrs_postgres::PostgresLog;
use cqrs_runtime::log::{EventLog, MemoryLog, RawEvent, append_raw};
use cqrs_runtime::{App, Meta};
use cqrs_sqlite::SqliteLog;
use cqrs_test_servers::Postgres;
use cqrs_tests::bank::{AccountId, AccountOpened, MoneyPaidIn, OpenAccount, PayIn, PersonId};

const LARGE: usize = 100_000;
const ACCOUNTS: usize = 320;
const EVENTS: usize = 600;
const CALLERS: usize = 32;

#[tokio::main]
async fn main() {
    println!(
        "{:8} {:>22} {:>22} {:>14} {:>22}",
        "log", "warm alone, slowest", "next to it, slowest", "large one", "restart, commands/s"
    );
    measure("memory", MemoryLog::new()).await;
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let sqlite = SqliteLog::open(folder.path().join("bench.db")).await.expect("a new log");
    measure("sqlite", sqlite).await;
    let server = Postgres::start().unwrap_or_else(|error| panic!("{error}"));
    let database = server.new_database().unwrap_or_else(|error| panic!("{error}"));
    measure("postgres", PostgresLog::open(database.url()).await.expect("a new log")).await;
}

async fn measure(name: &str, log: impl EventLog + Clone) {
    let large = AccountId::new();
    fill(&log, large, LARGE).await;
    let accounts: Vec<AccountId> = (0..ACCOUNTS).map(|_| AccountId::new()).collect();
    for &account in &accounts {
        fill(&log, account, EVENTS).await;
    }
    let app = bank(&log).await;
    let warm = AccountId::new();
    app.commands().execute(OpenAccount { account: warm, owner: PersonId::new() }).await.expect("a new account");
    let alone = slowest(&app, warm, |elapsed| elapsed > Duration::from_secs(1)).await;
    let bus = app.commands();
    let started = Instant::now();
    let loading = tokio::spawn(async move {
        bus.execute(PayIn { account: large, amount: 1 }).await.expect("an open account");
        started.elapsed()
    });
    let next_to = slowest(&app, warm, |_| loading.is_finished()).await;
    let took = loading.await.expect("no panic");
    // As after a restart: nothing is in memory.
    let app = bank(&log).await;
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let bus = app.commands();
            let mine: Vec<AccountId> = accounts.iter().copied().skip(caller).step_by(CALLERS).collect();
            tokio::spawn(async move {
                for account in mine {
                    bus.execute(PayIn { account, amount: 1 }).await.expect("an open account");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no panic");
    }
    #[allow(clippy::cast_precision_loss, reason = "some hundreds")]
    let rate = ACCOUNTS as f64 / started.elapsed().as_secs_f64();
    println!("{name:8} {alone:22.1?} {next_to:22.1?} {took:14.1?} {rate:22.0}");
}

async fn bank(log: &(impl EventLog + Clone)) -> App {
    App::builder().log(log.clone()).only_modules(["cqrs_tests::bank"]).build().await.expect("the bank is whole")
}

async fn fill(log: &impl EventLog, account: AccountId, events: usize) {
    let opened = RawEvent::of(&AccountOpened { account, owner: PersonId::new() }).expect("an event");
    let paid = || RawEvent::of(&MoneyPaidIn { account, amount: 1 }).expect("an event");
    let all: Vec<RawEvent> = std::iter::once(opened).chain((1..events).map(|_| paid())).collect();
    append_raw(log, all, Meta::new()).await.expect("an append");
}

/// The longest that a command on this account takes, of those executed one after the other until that is enough.
async fn slowest(app: &App, account: AccountId, is_enough: impl Fn(Duration) -> bool) -> Duration {
    let (started, mut slowest) = (Instant::now(), Duration::ZERO);
    while !is_enough(started.elapsed()) {
        let sent = Instant::now();
        app.commands().execute(PayIn { account, amount: 1 }).await.expect("an open account");
        slowest = slowest.max(sent.elapsed());
    }
    slowest
}

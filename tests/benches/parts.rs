//! A rebuild of one view in PostgreSQL, its projection whole and split into two and four parts, in one run.
//!
//! `cargo bench -p cqrs-tests --bench parts` prints events a second and their ratio. `CQRS_BENCH_EVENTS` says how many events there
//! are (default: 120,000).

use std::time::{Duration, Instant};

use cqrs_postgres::PostgresViews;
use cqrs_runtime::App;
use cqrs_runtime::log::{EventLog, MemoryLog};
use cqrs_test_servers::Postgres;
use cqrs_tests::bank::{AccountId, Balance, OpenAccount, PayIn, PersonId};

const ACCOUNTS: usize = 20_000;

#[tokio::main]
async fn main() {
    let events = std::env::var("CQRS_BENCH_EVENTS").ok().and_then(|events| events.parse().ok()).unwrap_or(120_000);
    let log = MemoryLog::new();
    fill(&log, events).await;
    let server = Postgres::start().unwrap_or_else(|error| panic!("{error}"));
    println!("{:5} {:>16} {:>8}", "parts", "events/s", "ratio");
    let mut whole = 0.0;
    for parts in [1, 2, 4] {
        let database = server.new_database().unwrap_or_else(|error| panic!("{error}"));
        let views = PostgresViews::open(database.url()).await.expect("new views");
        let builder = App::builder().log(log.clone()).views(views).partitions::<Balance>(parts);
        let app = builder.only_modules(["cqrs_tests::bank"]).build().await.expect("the bank is whole");
        let head = log.head().await.expect("a log in memory");
        app.caught_up(head, Duration::from_secs(600)).await.expect("the views follow");
        let started = Instant::now();
        app.rebuild("Balance").await.expect("a rebuild");
        #[allow(clippy::cast_precision_loss, reason = "some hundred thousands")]
        let rate = head.get() as f64 / started.elapsed().as_secs_f64();
        if parts == 1 {
            whole = rate;
        }
        println!("{parts:5} {rate:16.0} {:8.2}", rate / whole);
        app.close().await;
    }
}

async fn fill(log: &MemoryLog, events: usize) {
    let app =
        App::builder().log(log.clone()).only_modules(["cqrs_tests::bank"]).build().await.expect("the bank is whole");
    let accounts: Vec<_> = (0..ACCOUNTS).map(|_| AccountId::new()).collect();
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let (bus, accounts) = (app.commands(), accounts.clone());
            tokio::spawn(async move {
                for &account in accounts.iter().skip(task).step_by(32) {
                    bus.execute(OpenAccount { account, owner: PersonId::new() }).await.expect("a new account");
                }
                for number in (ACCOUNTS + task..events).step_by(32) {
                    // An account of this task's own, which is open.
                    let account = accounts[(number * 7 * 32 + task) % ACCOUNTS / 32 * 32 + task % 32];
                    bus.execute(PayIn { account, amount: 1 }).await.expect("an open account");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

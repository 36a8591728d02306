//! One hot account against ten thousand: the same commands by the same 32 tasks, on each log.
//!
//! `cargo bench -p cqrs-tests --bench hot` prints commands a second and their ratio, both measured in one run.

use std::time::Instant;

use cqrs_postgres::PostgresLog;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::{App, EventLog};
use cqrs_sqlite::SqliteLog;
use cqrs_test_servers::Postgres;
use cqrs_tests::bank::{AccountId, OpenAccount, PayIn, PersonId};

const TASKS: usize = 32;
const ACCOUNTS: usize = 10_000;

#[tokio::main]
async fn main() {
    println!("{:8} {:>16} {:>16} {:>8}", "log", "hot, commands/s", "10,000, c./s", "ratio");
    measure("memory", MemoryLog::new(), 3_000).await;
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let sqlite = SqliteLog::open(folder.path().join("bench.db")).await.expect("a new log");
    measure("sqlite", sqlite, 1_000).await;
    let server = Postgres::start().unwrap_or_else(|error| panic!("{error}"));
    let database = server.new_database().unwrap_or_else(|error| panic!("{error}"));
    let postgres = PostgresLog::open(database.url()).await.expect("a new log");
    measure("postgres", postgres, 1_000).await;
}

async fn measure(name: &str, log: impl EventLog, rounds: usize) {
    let app = App::builder().log(log).only_modules(["cqrs_tests::bank"]).build().await.expect("the bank is whole");
    let accounts: Vec<_> = (0..ACCOUNTS).map(|_| AccountId::new()).collect();
    let opening: Vec<_> = accounts
        .iter()
        .map(|&account| {
            let bus = app.commands();
            tokio::spawn(async move { bus.execute(OpenAccount { account, owner: PersonId::new() }).await })
        })
        .collect();
    for opened in opening {
        opened.await.expect("no panic").expect("a new account");
    }
    // Twice, in turn, so that neither has the log to itself while it is small.
    let (mut hot, mut spread) = (0.0, 0.0);
    for _ in 0..2 {
        hot += pay(&app, &accounts[..1], rounds).await;
        spread += pay(&app, &accounts, rounds).await;
    }
    println!("{name:8} {:16.0} {:16.0} {:8.2}", hot / 2.0, spread / 2.0, hot / spread);
}

/// Commands a second.
async fn pay(app: &App, accounts: &[AccountId], rounds: usize) -> f64 {
    let started = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let bus = app.commands();
            let mine: Vec<_> = (0..rounds).map(|round| accounts[(task + round * TASKS) % accounts.len()]).collect();
            tokio::spawn(async move {
                for account in mine {
                    bus.execute(PayIn { account, amount: 1 }).await.expect("an open account");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let commands = (TASKS * rounds) as f64;
    commands / started.elapsed().as_secs_f64()
}

//! This framework and two peers: the same bank, in turns on one throwaway PostgreSQL.
//!
//! `cargo run --release --manifest-path tests/peers/Cargo.toml` prints absolute numbers, and their ratios to this framework at level 1.
//! It takes some ten minutes on a quiet machine; the names of tables after `--` (`each`, `single`, `lag`, `rebuild`, `one`, `long`) print
//! those alone. After each measurement the sum of all payments stored must be that of those acknowledged, and so must the sum of all
//! balances, save where a peer gives up an update of its read model: by how much that was wrong is printed.
//!
//! What is alike: the server and its settings (every commit is on the disk before it is acknowledged), one process with as many
//! threads as there are cores, ten connections each, a read model of balances that is kept up to date all the time, and the rule that needs
//! the balance. Each bank has a database of its own. What is not alike is printed below the tables.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_test_servers::Postgres;
use uuid::Uuid;

mod banks;
mod table;

use banks::{Bank, CqrsEs, Disintegrate, Level, Ours, Snapshots};
use table::{Table, median, per_second, percentile};

const CALLERS: usize = 32;
const ACCOUNTS: usize = 10_000;
/// Of everything.
const ROUNDS: usize = 3;
/// How long all callers pay into one account.
const HOT: Duration = Duration::from_secs(3);
/// Payments of a single caller in a round.
const SINGLE: usize = 300;
/// How often each bank is started again on it.
const STARTS: usize = 5;
/// Events of the account with a long history.
const HISTORY: usize = 10_000;

/// What is not alike.
const NOTES: &str = "\
cqrs-runtime, level 1: the balance is written in the transaction of the payment. Payments of all callers share transactions, one after
  the other, and accounts stay in memory, so nothing conflicts. Another process may write to the same log.
cqrs-runtime, level 2: balances are in another database of the same server, kept in step by a runner in this process.
cqrs-es: the balance is written after the payment is committed, in a transaction of its own, before the caller has its answer. Where two
  do so at a time, one gives up: that update is lost, and what the read model says is wrong until the next payment or a replay. A
  crash between the two loses one as well.
disintegrate: a listener in this process writes balances, one event and one transaction each, some time after the answer. It runs
  during the measurements, and the next bank's turn begins when it is done. Each append is a serialisable transaction, and PostgreSQL
  refuses some that have nothing to do with each other: those are tried again, too. The listener
  may pass over an event: where it did, the table of wrong read models says so.
Peers load an account's events, or a snapshot and the events since, for every payment. On a conflict the
  caller tries again, after a short random pause.
Snapshots: every 100 events, in disintegrate every 10, as each one's documentation or examples have it.";

/// A bank, and what was paid into it.
struct Customers {
    bank: Arc<dyn Bank>,
    accounts: Arc<[Uuid]>,
    paid: i64,
    /// The most by which the read model was wrong.
    gap: i64,
}

/// What many callers have done.
struct Done {
    payments: usize,
    again: u64,
    took: Duration,
}

impl Customers {
    fn of(bank: Arc<dyn Bank>) -> Self {
        Self { bank, accounts: (0..ACCOUNTS).map(|_| Uuid::now_v7()).collect(), paid: 0, gap: 0 }
    }

    /// Lets the server plan with what is there now, and presses everything onto the disk, so that nobody pays for what the one before
    /// him wrote.
    async fn tidy(&self) {
        for database in self.bank.databases() {
            sqlx::query("VACUUM (ANALYZE)").execute(&database).await.expect("statistics");
            sqlx::query("CHECKPOINT").execute(&database).await.expect("a checkpoint");
        }
    }

    /// Opens all accounts. Returns how often that had to be tried again.
    async fn open(&self) {
        self.callers(|bank, accounts, caller| async move {
            for account in accounts.iter().skip(caller).step_by(CALLERS) {
                bank.open(*account).await;
            }
            (0, 0)
        })
        .await;
        self.bank.settle().await;
    }

    /// One payment into every account, each caller into some of his own.
    async fn pay_into_each(&mut self) -> Done {
        let done = self.callers(|bank, accounts, caller| async move {
            let (mut payments, mut again) = (0, 0);
            for account in accounts.iter().skip(caller).step_by(CALLERS) {
                again += bank.pay_in(*account, 3).await;
                payments += 1;
            }
            (payments, again)
        });
        let done = done.await;
        self.paid += 3 * i64::try_from(done.payments).expect("some thousands");
        done
    }

    /// All callers pay into one new account, again and again.
    async fn pay_into_one(&mut self) -> Done {
        let account = Uuid::now_v7();
        self.bank.open(account).await;
        let end = Instant::now() + HOT;
        let done = self.callers(move |bank, _, _| async move {
            let (mut payments, mut again) = (0, 0);
            while Instant::now() < end {
                again += bank.pay_in(account, 5).await;
                payments += 1;
            }
            (payments, again)
        });
        let done = done.await;
        self.paid += 5 * i64::try_from(done.payments).expect("some thousands");
        done
    }

    async fn callers<F>(&self, call: impl Fn(Arc<dyn Bank>, Arc<[Uuid]>, usize) -> F) -> Done
    where
        F: Future<Output = (usize, u64)> + Send + 'static,
    {
        let started = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| tokio::spawn(call(Arc::clone(&self.bank), Arc::clone(&self.accounts), caller)))
            .collect();
        let mut done = Done { payments: 0, again: 0, took: Duration::ZERO };
        for caller in callers {
            let (payments, again) = caller.await.expect("no panic");
            done.payments += payments;
            done.again += again;
        }
        done.took = started.elapsed();
        done
    }

    /// A single payment, and how long it took.
    async fn pay(&mut self, account: Uuid, amount: i64) -> Duration {
        let started = Instant::now();
        self.bank.pay_in(account, amount).await;
        self.paid += amount;
        started.elapsed()
    }

    /// Waits for the read model, and compares. Returns how long the wait was.
    ///
    /// # Panics
    /// A payment is missing or there twice; or the read model says something else, and this is not a framework whose read model may.
    async fn audit(&mut self) -> Duration {
        let started = Instant::now();
        self.bank.settle().await;
        let waited = started.elapsed();
        let name = self.bank.name();
        assert_eq!(self.bank.stored().await, self.paid, "{name}: what is stored is what was acknowledged");
        let shown = self.bank.shown().await;
        assert!(shown == self.paid || self.bank.may_miss(), "{name}: balances of {shown}, payments of {}", self.paid);
        self.gap = self.gap.max((self.paid - shown).abs());
        waited
    }
}

#[tokio::main]
async fn main() {
    let server = Postgres::start().unwrap_or_else(|error| panic!("{error}"));
    let mut all = Vec::new();
    if ["each", "single", "lag", "rebuild", "one"].into_iter().any(wanted) {
        all = customers_of_each(&server).await;
    }
    if wanted("each") {
        each(&mut all).await.print();
    }
    if wanted("single") {
        single(&mut all).await.print();
    }
    if wanted("lag") {
        lag(&mut all).await.print();
    }
    if wanted("rebuild") {
        rebuilds(&mut all).await.print();
    }
    if wanted("one") {
        for bank in [CqrsEs::open(&server, Snapshots::With).await, Disintegrate::open(&server, Snapshots::With).await] {
            all.push(Customers::of(bank));
        }
        one(&mut all).await.print();
    }
    let title = "By how much the read model was wrong, after it had processed the last payment, at worst";
    let mut gaps = Table::new(title, ["cents", "of all cents paid", "", ""]);
    for customers in &all {
        gaps.plain(customers.bank.name(), [customers.gap.to_string(), customers.paid.to_string()]);
        customers.bank.close().await;
    }
    drop(all);
    if wanted("long") {
        long(&server).await.print();
    }
    gaps.print();
    println!("\n{NOTES}");
}

/// The banks without snapshots, each with its accounts open.
async fn customers_of_each(server: &Postgres) -> Vec<Customers> {
    let mut all = Vec::new();
    for bank in [
        Ours::open(server, Level::One, Snapshots::Without).await,
        Ours::open(server, Level::Two, Snapshots::Without).await,
        CqrsEs::open(server, Snapshots::Without).await,
        Disintegrate::open(server, Snapshots::Without).await,
    ] {
        eprintln!("{}: {ACCOUNTS} accounts", bank.name());
        let customers = Customers::of(bank);
        customers.open().await;
        all.push(customers);
    }
    all
}

/// Whether a table was asked for: all are, unless some are named.
fn wanted(table: &str) -> bool {
    std::env::args().len() == 1 || std::env::args().skip(1).any(|named| named == table)
}

async fn each(all: &mut [Customers]) -> Table {
    let mut rates = vec![Vec::new(); all.len()];
    let mut again = vec![0; all.len()];
    let mut waits = vec![Vec::new(); all.len()];
    for round in 0..ROUNDS {
        for at in turns(all.len(), round) {
            all[at].tidy().await;
            let done = all[at].pay_into_each().await;
            waits[at].push(all[at].audit().await.as_secs_f64());
            rates[at].push(per_second(done.payments, done.took));
            again[at] += done.again;
            eprintln!("{}: {:.0}/s", all[at].bank.name(), rates[at][round]);
        }
    }
    let title = format!("Payments by {CALLERS} callers into {ACCOUNTS} accounts");
    let mut table = Table::new(title, ["payments/s", "ratio", "tried again", "read model later, s"]);
    for (at, customers) in all.iter().enumerate() {
        let rate = median(&mut rates[at]);
        let wait = format!("{:.2}", median(&mut waits[at]));
        table.row(customers.bank.name(), rate, 0, [again[at].to_string(), wait]);
    }
    table
}

async fn one(all: &mut [Customers]) -> Table {
    let mut rates = vec![Vec::new(); all.len()];
    let mut tries = vec![Vec::new(); all.len()];
    let mut lost = vec![Vec::new(); all.len()];
    for round in 0..ROUNDS {
        for at in turns(all.len(), round) {
            all[at].tidy().await;
            let before = all[at].bank.lost();
            let done = all[at].pay_into_one().await;
            all[at].audit().await;
            rates[at].push(per_second(done.payments, done.took));
            #[allow(clippy::cast_precision_loss, reason = "some thousands")]
            tries[at].push(done.again as f64 / done.payments as f64);
            lost[at].push(all[at].bank.lost() - before);
            eprintln!("{}: {:.0}/s, {} again", all[at].bank.name(), rates[at][round], done.again);
        }
    }
    let title = format!("Payments by {CALLERS} callers into one account");
    let mut table = Table::new(title, ["payments/s", "ratio", "tried again, each", "view updates lost"]);
    for (at, customers) in all.iter().enumerate() {
        let rate = median(&mut rates[at]);
        let again = format!("{:.1}", median(&mut tries[at]));
        table.row(customers.bank.name(), rate, 0, [again, lost[at].iter().sum::<u64>().to_string()]);
    }
    table
}

async fn single(all: &mut [Customers]) -> Table {
    let mut times = vec![Vec::new(); all.len()];
    for round in 0..ROUNDS {
        for at in turns(all.len(), round) {
            all[at].tidy().await;
            let customers = &mut all[at];
            for payment in 0..SINGLE {
                let account = customers.accounts[(round * SINGLE + payment) % ACCOUNTS];
                times[at].push(milliseconds(customers.pay(account, 2).await));
            }
            customers.audit().await;
            eprintln!("{}: single caller", customers.bank.name());
        }
    }
    let mut table = Table::new("One payment of a single caller", ["median, ms", "ratio", "99th of 100, ms", ""]);
    for (at, customers) in all.iter().enumerate() {
        let slowest = format!("{:.2}", percentile(&mut times[at], 99));
        table.row(customers.bank.name(), median(&mut times[at]), 2, [slowest, String::new()]);
    }
    table
}

async fn lag(all: &mut [Customers]) -> Table {
    let mut table = Table::new(
        "From the answer to a payment until the read model shows it, asked every millisecond",
        ["median, ms", "ratio", "", ""],
    );
    for customers in all {
        customers.tidy().await;
        let mut times = Vec::new();
        for at in 0..100 {
            let account = customers.accounts[at];
            let before = customers.bank.balance(account).await;
            customers.pay(account, 1).await;
            let started = Instant::now();
            while customers.bank.balance(account).await != before + 1 {
                // Asking without a pause would keep a core from the writer.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            times.push(milliseconds(started.elapsed()));
        }
        customers.audit().await;
        table.row(customers.bank.name(), median(&mut times), 2, [String::new(), String::new()]);
    }
    table
}

async fn rebuilds(all: &mut [Customers]) -> Table {
    let mut rates = vec![Vec::new(); all.len()];
    let mut events = 0;
    for round in 0..ROUNDS {
        for at in turns(all.len(), round) {
            all[at].tidy().await;
            events = all[at].bank.events().await;
            let started = Instant::now();
            all[at].bank.rebuild().await;
            rates[at].push(per_second(usize::try_from(events).expect("a count"), started.elapsed()));
            all[at].audit().await;
            eprintln!("{}: {:.0} events/s", all[at].bank.name(), rates[at][round]);
        }
    }
    let title = format!("Rebuilding the read model, {ACCOUNTS} balances from {events} events");
    let mut table = Table::new(title, ["events/s", "ratio", "", ""]);
    for (at, customers) in all.iter().enumerate() {
        table.row(customers.bank.name(), median(&mut rates[at]), 0, [String::new(), String::new()]);
    }
    table
}

async fn long(server: &Postgres) -> Table {
    let mut table = Table::new(
        format!("One payment into an account with {HISTORY} events"),
        ["first after a start, ms", "ratio", "then, ms", "ratio"],
    );
    let mut all = Vec::new();
    for bank in [
        Ours::open(server, Level::One, Snapshots::With).await,
        CqrsEs::open(server, Snapshots::With).await,
        Disintegrate::open(server, Snapshots::With).await,
    ] {
        eprintln!("{}: {HISTORY} events", bank.name());
        let mut customers = Customers::of(bank);
        let account = customers.accounts[0];
        customers.bank.open(account).await;
        for _ in 1..HISTORY {
            customers.pay(account, 1).await;
        }
        customers.audit().await;
        all.push(customers);
    }
    let mut rows = Vec::new();
    for snapshots in [Snapshots::With, Snapshots::Without] {
        let mut times = vec![(Vec::new(), Vec::new()); all.len()];
        for round in 0..STARTS {
            for at in turns(all.len(), round) {
                let (customers, (first, then)) = (&mut all[at], &mut times[at]);
                let account = customers.accounts[0];
                customers.bank.close().await;
                customers.bank = customers.bank.started_anew(snapshots).await;
                customers.tidy().await;
                first.push(milliseconds(customers.pay(account, 1).await));
                for _ in 0..10 {
                    then.push(milliseconds(customers.pay(account, 1).await));
                }
                customers.audit().await;
            }
        }
        for (customers, (first, then)) in all.iter().zip(&mut times) {
            rows.push((customers.bank.name(), median(first), median(then)));
        }
    }
    for customers in &all {
        customers.bank.close().await;
    }
    // Those without snapshots first, ours before all: what the others are compared with.
    rows.rotate_left(all.len());
    let (_, _, base) = rows[0];
    for (name, first, then) in rows {
        table.row(name, first, 2, [format!("{then:.2}"), format!("{:.2}", then / base)]);
    }
    table
}

/// In which order they have their turns: another one each round.
fn turns(banks: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..banks).map(move |turn| (turn + round) % banks)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

//! The program that is killed: payments into tills.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cqrs_postgres::PostgresLog;
use cqrs_runtime::log::StoreError;
use cqrs_runtime::prelude::*;
use tokio::task::JoinSet;

use crate::chance::given;

/// The module that the app serves.
pub const TILLS: &str = module_path!();

pub const URL: &str = "CQRS_CRASHES_URL";
pub const FROM: &str = "CQRS_CRASHES_FROM";

/// How many commands run at the same time.
pub const IN_FLIGHT: u64 = 16;

/// How long to wait after a crash of the server before the next attempt.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Id)]
pub struct TillId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Paid {
    #[tag]
    till: TillId,
    /// The number of the command.
    number: u64,
    /// The number of payments before it.
    after: u64,
}

#[derive(Serialize, Deserialize)]
pub struct Till {
    payments: u64,
}

#[aggregate(id = TillId, on = [Paid], snapshots)]
impl Till {
    fn paid(this: Option<Self>, _: &Paid) -> Self {
        Self { payments: this.map_or(0, |this| this.payments) + 1 }
    }
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = std::convert::Infallible)]
pub struct Pay {
    till: TillId,
    number: u64,
}

#[command]
fn pay(cmd: Pay, till: Option<&Till>) -> Result<Paid, std::convert::Infallible> {
    Ok(Paid { till: cmd.till, number: cmd.number, after: till.map_or(0, |till| till.payments) })
}

#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct TillSum {
    #[key]
    till: TillId,
    #[index]
    sum: i64,
    numbers: Vec<u64>,
}

#[projection(on = [Paid])]
impl TillSum {
    fn paid(this: Option<Self>, event: &Paid) -> Self {
        let mut sum = this.unwrap_or(Self { till: event.till, sum: 0, numbers: Vec::new() });
        sum.sum += i64::try_from(event.number).unwrap_or(i64::MAX);
        sum.numbers.push(event.number);
        sum
    }
}

/// The app.
pub async fn app(url: &str) -> App {
    let log = PostgresLog::builder(url).readers(2).open().await.unwrap();
    App::builder().log(log).snapshot_every(2).only_modules([TILLS]).build().await.unwrap()
}

/// Sends one command until it is accepted.
async fn pay_until_accepted(app: &App, number: u64) {
    let meta = Meta::new().command_id(CommandId::new(&format!("pay-{number}")));
    let bus = app.commands().with_meta(meta);
    loop {
        let till = TillId::from(Uuid::from_u128((number % 20).into()));
        match bus.execute(Pay { till, number }).await {
            Ok(_) => return,
            Err(CommandError::Unavailable(StoreError::Unavailable { .. } | StoreError::Unknown { .. })) => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Not a test: the program that is killed. It sends payments forever, and prints the number of each
/// accepted command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by another test, in a process of its own"]
async fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let app = Arc::new(app(&url).await);
    let next = Arc::new(AtomicU64::new(given(FROM).unwrap()));
    let mut paying = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (app, next) = (Arc::clone(&app), Arc::clone(&next));
        paying.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                pay_until_accepted(&app, number).await;
                println!("\nacknowledged {number}");
            }
        });
    }
    let ended = paying.join_next().await;
    panic!("none of them ends: {ended:?}");
}

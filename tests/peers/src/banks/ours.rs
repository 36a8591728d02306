//! The bank on this framework.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cqrs_postgres::{PostgresLog, PostgresViews};
use cqrs_runtime::prelude::*;
use cqrs_test_servers::Postgres;
use sqlx::PgPool;

use super::{Bank, CONNECTIONS, MOST, Snapshots};

#[derive(Id)]
pub(crate) struct AccountId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub(crate) struct AccountOpened {
    #[tag]
    account: AccountId,
}

#[derive(Event, Serialize, Deserialize)]
pub(crate) struct MoneyPaidIn {
    #[tag]
    account: AccountId,
    amount: i64,
}

#[derive(Debug, thiserror::Error)]
#[error("the account is full")]
pub(crate) struct Full;

#[derive(Command, Serialize, Deserialize)]
struct OpenAccount {
    account: AccountId,
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Full)]
struct PayIn {
    account: AccountId,
    amount: i64,
}

#[derive(Serialize, Deserialize)]
struct Account {
    balance: i64,
}

#[aggregate(id = AccountId, on = [AccountOpened, MoneyPaidIn], snapshots)]
impl Account {
    fn opened(_: &AccountOpened) -> Self {
        Self { balance: 0 }
    }
    fn paid_in(&mut self, event: &MoneyPaidIn) {
        self.balance += event.amount;
    }
}

#[command]
fn open_account(cmd: OpenAccount, _account: Absent<Account>) -> Result<AccountOpened, std::convert::Infallible> {
    Ok(AccountOpened { account: cmd.account })
}

#[command]
fn pay_in(cmd: PayIn, account: &Account) -> Result<MoneyPaidIn, Full> {
    if account.balance + cmd.amount > MOST {
        return Err(Full);
    }
    Ok(MoneyPaidIn { account: cmd.account, amount: cmd.amount })
}

#[derive(View, Serialize, Deserialize)]
struct Balance {
    #[key]
    account: AccountId,
    balance: i64,
}

#[projection(on = [AccountOpened, MoneyPaidIn])]
impl Balance {
    fn opened(event: &AccountOpened) -> Self {
        Self { account: event.account, balance: 0 }
    }
    fn paid_in(&mut self, event: &MoneyPaidIn) {
        self.balance += event.amount;
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = i64)]
struct BalanceOf {
    account: AccountId,
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = i64)]
struct Total;

#[query]
async fn balance_of(q: BalanceOf, balances: Views<Balance>) -> Result<i64, QueryError> {
    Ok(balances.get(q.account).await?.map_or(0, |account| account.balance))
}

#[query]
async fn total(_q: Total, balances: Views<Balance>) -> Result<i64, QueryError> {
    Ok(balances.scan().all().await?.iter().map(|account| account.balance).sum())
}

/// Where the read model is.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// In the command's own transaction.
    One,
    /// In a database of its own, on the same server.
    Two,
}

/// The bank on this framework.
pub(crate) struct Ours {
    level: Level,
    /// Where the log is, and where the views are, if elsewhere.
    urls: (String, Option<String>),
    snapshots: Snapshots,
    app: App,
    /// To look at them from outside, the log first.
    outside: Vec<PgPool>,
}

impl Ours {
    pub(crate) async fn open(server: &Postgres, level: Level, snapshots: Snapshots) -> Arc<dyn Bank> {
        let database = || server.new_database().unwrap_or_else(|error| panic!("{error}")).url().to_owned();
        let views = match level {
            Level::One => None,
            Level::Two => Some(database()),
        };
        Arc::new(Self::start(level, (database(), views), snapshots).await)
    }

    async fn start(level: Level, urls: (String, Option<String>), snapshots: Snapshots) -> Self {
        let every = if snapshots == Snapshots::With { 100 } else { u64::MAX };
        let app = App::builder().snapshot_every(every);
        let (log, views) = &urls;
        let app = match views {
            // One connection appends, the others read.
            None => app.log(log_with(log, CONNECTIONS - 1).await),
            Some(views) => {
                let views = PostgresViews::builder(views).readers(CONNECTIONS as usize / 2 - 1).open().await;
                app.log(log_with(log, CONNECTIONS / 2 - 1).await).views(views.expect("the views"))
            }
        };
        let app = app.build().await.expect("the bank is whole");
        let outside = [Some(log), views.as_ref()].into_iter().flatten();
        let outside = outside.map(|url| PgPool::connect_lazy(url).expect("a URL")).collect();
        Self { level, urls, snapshots, app, outside }
    }
}

async fn log_with(url: &str, readers: u32) -> PostgresLog {
    PostgresLog::builder(url).readers(readers as usize).open().await.expect("the log")
}

#[async_trait]
impl Bank for Ours {
    fn name(&self) -> &'static str {
        match (self.level, self.snapshots) {
            (Level::One, Snapshots::Without) => "cqrs-runtime, level 1",
            (Level::One, Snapshots::With) => "cqrs-runtime, level 1, snapshots",
            (Level::Two, _) => "cqrs-runtime, level 2",
        }
    }

    fn databases(&self) -> Vec<PgPool> {
        self.outside.clone()
    }

    async fn open(&self, account: Uuid) -> u64 {
        self.app.commands().execute(OpenAccount { account: account.into() }).await.expect("a new account");
        0
    }

    async fn pay_in(&self, account: Uuid, amount: i64) -> u64 {
        self.app.commands().execute(PayIn { account: account.into(), amount }).await.expect("an open account");
        0
    }

    async fn settle(&self) {
        let head = self.app.log().head().await.expect("the log");
        self.app.caught_up(head, Duration::from_secs(600)).await.expect("the views come to it");
    }

    async fn balance(&self, account: Uuid) -> i64 {
        self.app.queries().ask(BalanceOf { account: account.into() }).await.expect("an answer")
    }

    async fn shown(&self) -> i64 {
        self.app.queries().ask(Total).await.expect("an answer")
    }

    async fn stored(&self) -> i64 {
        let sql = "SELECT coalesce(sum((data::json ->> 'amount')::bigint), 0)::bigint FROM cqrs_events WHERE name = 'MoneyPaidIn'";
        sqlx::query_scalar(sql).fetch_one(&self.outside[0]).await.expect("the log")
    }

    async fn events(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM cqrs_events").fetch_one(&self.outside[0]).await.expect("the log")
    }

    async fn rebuild(&self) {
        self.app.rebuild("Balance").await.expect("the balances");
    }

    async fn started_anew(&self, snapshots: Snapshots) -> Arc<dyn Bank> {
        if snapshots == Snapshots::Without {
            sqlx::query("TRUNCATE cqrs_snapshots").execute(&self.outside[0]).await.expect("the log");
        }
        Arc::new(Self::start(self.level, self.urls.clone(), snapshots).await)
    }

    async fn close(&self) {
        self.app.clone().close().await;
    }
}

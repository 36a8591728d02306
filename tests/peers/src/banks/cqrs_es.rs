//! The bank on `cqrs-es` and `postgres-es`, after their user guide and their demo bank.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{GenericQuery, PersistenceError, QueryReplay, ViewRepository};
use cqrs_es::{Aggregate, AggregateError, DomainEvent, EventEnvelope, View};
use cqrs_test_servers::Postgres;
use postgres_es::{PostgresCqrs, PostgresEventRepository, PostgresViewRepository};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use super::{Bank, CONNECTIONS, MOST, Snapshots, pause};

/// The tables that `postgres-es` asks for (its `db/init.sql`), and one for the view.
const TABLES: &str = "
    CREATE TABLE events (
        aggregate_type text NOT NULL,
        aggregate_id text NOT NULL,
        sequence bigint CHECK (sequence >= 0) NOT NULL,
        event_type text NOT NULL,
        event_version text NOT NULL,
        payload json NOT NULL,
        metadata json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    );
    CREATE TABLE snapshots (
        aggregate_type text NOT NULL,
        aggregate_id text NOT NULL,
        last_sequence bigint CHECK (last_sequence >= 0) NOT NULL,
        current_snapshot bigint CHECK (current_snapshot >= 0) NOT NULL,
        payload json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, last_sequence)
    );
    CREATE TABLE balance (
        view_id text NOT NULL,
        version bigint CHECK (version >= 0) NOT NULL,
        payload json NOT NULL,
        PRIMARY KEY (view_id)
    );";

/// Their guide has views copy what an event says rather than reckon: a payment carries the new balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum BankEvent {
    Opened,
    PaidIn { amount: i64, balance: i64 },
}

impl DomainEvent for BankEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Opened => "Opened".to_owned(),
            Self::PaidIn { .. } => "PaidIn".to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the account is there already")]
    Open,
    #[error("there is no such account")]
    Unknown,
    #[error("the account is full")]
    Full,
}

enum BankCommand {
    Open,
    PayIn { amount: i64 },
}

#[derive(Default, Serialize, Deserialize)]
struct Account {
    open: bool,
    balance: i64,
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = BankCommand;
    type Event = BankEvent;
    type Error = Refusal;
    type Services = ();

    async fn handle(&mut self, command: BankCommand, (): &(), sink: &EventSink<Self>) -> Result<(), Refusal> {
        match command {
            BankCommand::Open if self.open => return Err(Refusal::Open),
            BankCommand::Open => sink.write(BankEvent::Opened, self).await,
            BankCommand::PayIn { .. } if !self.open => return Err(Refusal::Unknown),
            BankCommand::PayIn { amount } => {
                let balance = self.balance + amount;
                if balance > MOST {
                    return Err(Refusal::Full);
                }
                sink.write(BankEvent::PaidIn { amount, balance }, self).await;
            }
        }
        Ok(())
    }

    fn apply(&mut self, event: BankEvent) {
        match event {
            BankEvent::Opened => self.open = true,
            BankEvent::PaidIn { balance, .. } => self.balance = balance,
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct BalanceView {
    balance: i64,
}

impl View<Account> for BalanceView {
    fn update(&mut self, event: &EventEnvelope<Account>) {
        match event.payload {
            BankEvent::Opened => self.balance = 0,
            BankEvent::PaidIn { balance, .. } => self.balance = balance,
        }
    }
}

type BalanceViews = PostgresViewRepository<BalanceView, Account>;
type BalanceQuery = GenericQuery<BalanceViews, BalanceView, Account>;

/// The bank on `cqrs-es`.
pub(crate) struct CqrsEs {
    url: String,
    snapshots: Snapshots,
    pool: PgPool,
    cqrs: PostgresCqrs<Account>,
    views: Arc<BalanceViews>,
    lost: Arc<AtomicU64>,
}

impl CqrsEs {
    pub(crate) async fn open(server: &Postgres, snapshots: Snapshots) -> Arc<dyn Bank> {
        let database = server.new_database().unwrap_or_else(|error| panic!("{error}"));
        let bank = Self::start(database.url().to_owned(), snapshots).await;
        sqlx::raw_sql(TABLES).execute(&bank.pool).await.expect("tables");
        Arc::new(bank)
    }

    async fn start(url: String, snapshots: Snapshots) -> Self {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(&url).await.expect("a pool");
        let (views, lost) = (Arc::new(BalanceViews::new("balance", pool.clone())), Arc::new(AtomicU64::new(0)));
        let mut query = BalanceQuery::new(Arc::clone(&views));
        let count = Arc::clone(&lost);
        query.use_error_handler(Box::new(move |error| match error {
            PersistenceError::OptimisticLockError => drop(count.fetch_add(1, Ordering::Relaxed)),
            error => panic!("a view: {error}"),
        }));
        let cqrs = match snapshots {
            Snapshots::Without => postgres_es::postgres_cqrs(pool.clone(), vec![Box::new(query)], ()),
            Snapshots::With => postgres_es::postgres_snapshot_cqrs(pool.clone(), vec![Box::new(query)], 100, ()),
        };
        Self { url, snapshots, pool, cqrs, views, lost }
    }

    async fn one(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.expect("the database")
    }
}

#[async_trait]
impl Bank for CqrsEs {
    fn name(&self) -> &'static str {
        match self.snapshots {
            Snapshots::Without => "cqrs-es",
            Snapshots::With => "cqrs-es, snapshots",
        }
    }

    fn databases(&self) -> Vec<PgPool> {
        vec![self.pool.clone()]
    }

    async fn open(&self, account: Uuid) -> u64 {
        self.cqrs.execute(&account.to_string(), BankCommand::Open).await.expect("a new account");
        0
    }

    async fn pay_in(&self, account: Uuid, amount: i64) -> u64 {
        let account = account.to_string();
        let mut tries = 0;
        loop {
            match self.cqrs.execute(&account, BankCommand::PayIn { amount }).await {
                Ok(()) => return tries,
                Err(AggregateError::AggregateConflict) => {
                    tries += 1;
                    pause(tries).await;
                }
                Err(error) => panic!("a payment: {error}"),
            }
        }
    }

    /// The view is written before a command is acknowledged, or not at all.
    async fn settle(&self) {}

    async fn balance(&self, account: Uuid) -> i64 {
        let view = self.views.load(&account.to_string()).await.expect("the view");
        view.map_or(0, |view| view.balance)
    }

    async fn shown(&self) -> i64 {
        self.one("SELECT coalesce(sum((payload ->> 'balance')::bigint), 0)::bigint FROM balance").await
    }

    async fn stored(&self) -> i64 {
        self.one(
            "SELECT coalesce(sum((payload -> 'PaidIn' ->> 'amount')::bigint), 0)::bigint FROM events
             WHERE event_type = 'PaidIn'",
        )
        .await
    }

    /// Two updates of one balance at a time: one is given up.
    fn may_miss(&self) -> bool {
        true
    }

    fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    async fn events(&self) -> i64 {
        self.one("SELECT count(*) FROM events").await
    }

    async fn rebuild(&self) {
        sqlx::query("TRUNCATE balance").execute(&self.pool).await.expect("an empty view");
        let mut query = BalanceQuery::new(Arc::clone(&self.views));
        query.use_error_handler(Box::new(|error| panic!("a view: {error}")));
        let mut replay = QueryReplay::new(PostgresEventRepository::new(self.pool.clone()), query);
        replay.use_error_handler(Box::new(|error| panic!("a replay: {error}")));
        replay.replay_all().await.expect("a replay");
    }

    async fn started_anew(&self, snapshots: Snapshots) -> Arc<dyn Bank> {
        Arc::new(Self::start(self.url.clone(), snapshots).await)
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

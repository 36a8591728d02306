//! The bank on `disintegrate` and `disintegrate-postgres`, after their documentation and their examples.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cqrs_test_servers::Postgres;
use disintegrate::serde::json::Json;
use disintegrate::{
    Decision, DecisionError, Event, EventListener, NoSnapshot, PersistedEvent, StateMutate, StateQuery, StreamQuery,
    WithSnapshot, query,
};
use disintegrate_postgres::{
    Error, PgDecisionMaker, PgEventId, PgEventListener, PgEventListenerConfig, PgEventStore, PgSnapshotter,
    WithPgSnapshot,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{Bank, CONNECTIONS, MOST, Snapshots, pause};

#[derive(Clone, Debug, PartialEq, Eq, Event, Serialize, Deserialize)]
enum BankEvent {
    Opened {
        #[id]
        account_id: Uuid,
    },
    PaidIn {
        #[id]
        account_id: Uuid,
        amount: i64,
    },
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

#[derive(Clone, Debug, Default, StateQuery, Serialize, Deserialize)]
#[state_query(BankEvent)]
#[allow(clippy::struct_field_names, reason = "an id has one name in all events and states")]
struct Account {
    #[id]
    account_id: Uuid,
    open: bool,
    balance: i64,
}

impl Account {
    fn new(account_id: Uuid) -> Self {
        Self { account_id, ..Self::default() }
    }
}

impl StateMutate for Account {
    fn mutate(&mut self, event: Self::Event) {
        match event {
            BankEvent::Opened { .. } => self.open = true,
            BankEvent::PaidIn { amount, .. } => self.balance += amount,
        }
    }
}

#[derive(Clone, Copy)]
struct OpenAccount {
    account: Uuid,
}

impl Decision for OpenAccount {
    type Event = BankEvent;
    type StateQuery = Account;
    type Error = Refusal;

    fn state_query(&self) -> Account {
        Account::new(self.account)
    }

    fn process(&self, account: &Account) -> Result<Vec<BankEvent>, Refusal> {
        if account.open { Err(Refusal::Open) } else { Ok(vec![BankEvent::Opened { account_id: self.account }]) }
    }
}

#[derive(Clone, Copy)]
struct PayIn {
    account: Uuid,
    amount: i64,
}

impl Decision for PayIn {
    type Event = BankEvent;
    type StateQuery = Account;
    type Error = Refusal;

    fn state_query(&self) -> Account {
        Account::new(self.account)
    }

    fn process(&self, account: &Account) -> Result<Vec<BankEvent>, Refusal> {
        if !account.open {
            return Err(Refusal::Unknown);
        }
        if account.balance + self.amount > MOST {
            return Err(Refusal::Full);
        }
        Ok(vec![BankEvent::PaidIn { account_id: self.account, amount: self.amount }])
    }
}

/// The read model: a table that a listener writes to. An event may come twice, so each row says which was its last.
struct Balances {
    query: StreamQuery<PgEventId, BankEvent>,
    pool: PgPool,
}

impl Balances {
    async fn new(pool: PgPool) -> Self {
        let table = "CREATE TABLE IF NOT EXISTS balance (account_id uuid PRIMARY KEY, balance bigint, event_id bigint NOT NULL)";
        sqlx::query(table).execute(&pool).await.expect("a table");
        Self { query: query!(BankEvent), pool }
    }
}

#[async_trait]
impl EventListener<PgEventId, BankEvent> for Balances {
    type Error = sqlx::Error;

    fn id(&self) -> &'static str {
        "balances"
    }

    fn query(&self) -> &StreamQuery<PgEventId, BankEvent> {
        &self.query
    }

    async fn handle(&self, event: PersistedEvent<PgEventId, BankEvent>) -> Result<(), sqlx::Error> {
        let event_id = event.id();
        match event.into_inner() {
            BankEvent::Opened { account_id } => {
                let sql =
                    "INSERT INTO balance (account_id, balance, event_id) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING";
                sqlx::query(sql).bind(account_id).bind(event_id).execute(&self.pool).await?;
            }
            BankEvent::PaidIn { account_id, amount } => {
                let sql =
                    "UPDATE balance SET balance = balance + $2, event_id = $3 WHERE account_id = $1 AND event_id < $3";
                sqlx::query(sql).bind(account_id).bind(amount).bind(event_id).execute(&self.pool).await?;
            }
        }
        Ok(())
    }
}

/// One of its functions has a number in hexadecimal, which PostgreSQL reads from version 16 on: the same number for older ones.
const OLD_SERVERS: &str = "DO $$ BEGIN
    EXECUTE replace(pg_get_functiondef('event_store_begin_epoch'::regproc), '0xFFFFFFFF', '4294967295');
END $$";

type Store = PgEventStore<BankEvent, Json<BankEvent>>;

enum Maker {
    Plain(PgDecisionMaker<BankEvent, Json<BankEvent>, NoSnapshot>),
    Snapshots(PgDecisionMaker<BankEvent, Json<BankEvent>, WithPgSnapshot>),
}

/// A listener at work: what ends it, and what has ended then.
type Listener = (oneshot::Sender<()>, JoinHandle<()>);

/// The bank on `disintegrate`.
pub(crate) struct Disintegrate {
    url: String,
    snapshots: Snapshots,
    pool: PgPool,
    store: Store,
    maker: Maker,
    listener: Mutex<Option<Listener>>,
}

impl Disintegrate {
    pub(crate) async fn open(server: &Postgres, snapshots: Snapshots) -> Arc<dyn Bank> {
        let database = server.new_database().unwrap_or_else(|error| panic!("{error}"));
        Arc::new(Self::start(database.url().to_owned(), snapshots).await)
    }

    async fn start(url: String, snapshots: Snapshots) -> Self {
        let options: PgConnectOptions = url.parse().expect("a URL");
        let options = options.options([("check_function_bodies", "off")]);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await.expect("a pool");
        let store = Store::try_new(pool.clone(), Json::default()).await.expect("a store");
        sqlx::raw_sql(OLD_SERVERS).execute(&pool).await.expect("a function");
        let maker = match snapshots {
            Snapshots::Without => Maker::Plain(disintegrate_postgres::decision_maker(store.clone(), NoSnapshot)),
            Snapshots::With => {
                // As often as their examples do.
                let snapshotter = PgSnapshotter::try_new(pool.clone(), 10).await.expect("a table");
                let snapshots = WithSnapshot::new(snapshotter);
                Maker::Snapshots(disintegrate_postgres::decision_maker(store.clone(), snapshots))
            }
        };
        let bank = Self { url, snapshots, pool, store, maker, listener: Mutex::default() };
        bank.listen().await;
        bank
    }

    async fn listen(&self) {
        let balances = Balances::new(self.pool.clone()).await;
        let config = PgEventListenerConfig::poller(Duration::from_secs(5)).with_notifier();
        let listener = PgEventListener::builder(self.store.clone()).register_listener(balances, config);
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let shutdown = async move { drop(ended.await) };
            listener.start_with_shutdown(shutdown).await.expect("a listener");
        });
        *self.listener.lock().await = Some((end, task));
    }

    async fn stop_listening(&self) {
        if let Some((end, task)) = self.listener.lock().await.take() {
            drop(end);
            task.await.expect("no panic");
        }
    }

    async fn make<D>(&self, decision: D) -> u64
    where
        D: Decision<Event = BankEvent, StateQuery = Account, Error = Refusal> + Copy + 'static,
    {
        let mut tries = 0;
        loop {
            let made = match &self.maker {
                Maker::Plain(maker) => maker.make(decision).await,
                Maker::Snapshots(maker) => maker.make(decision).await,
            };
            match made {
                Ok(_) => return tries,
                Err(error) if is_conflict(&error) => {
                    tries += 1;
                    pause(tries).await;
                }
                Err(error) => panic!("a decision: {error}"),
            }
        }
    }

    async fn one(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.expect("the database")
    }
}

/// Whether others were faster: found by the store, or by PostgreSQL, which serialises its transactions.
fn is_conflict(error: &DecisionError<Refusal>) -> bool {
    let DecisionError::StateStore(error) = error else { return false };
    match error.downcast_ref::<Error>() {
        Some(Error::Concurrency) => true,
        Some(Error::Database(sqlx::Error::Database(error))) => error.code().as_deref() == Some("40001"),
        _ => false,
    }
}

#[async_trait]
impl Bank for Disintegrate {
    fn name(&self) -> &'static str {
        match self.snapshots {
            Snapshots::Without => "disintegrate",
            Snapshots::With => "disintegrate, snapshots",
        }
    }

    fn databases(&self) -> Vec<PgPool> {
        vec![self.pool.clone()]
    }

    async fn open(&self, account: Uuid) -> u64 {
        self.make(OpenAccount { account }).await
    }

    async fn pay_in(&self, account: Uuid, amount: i64) -> u64 {
        self.make(PayIn { account, amount }).await
    }

    async fn settle(&self) {
        let last = self.one("SELECT coalesce(max(event_id), 0) FROM event").await;
        while self.one("SELECT coalesce(max(last_processed_event_id), 0) FROM event_listener").await < last {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn balance(&self, account: Uuid) -> i64 {
        let sql = "SELECT balance FROM balance WHERE account_id = $1";
        let balance = sqlx::query_scalar(sql).bind(account).fetch_optional(&self.pool).await.expect("the read model");
        balance.unwrap_or(0)
    }

    async fn shown(&self) -> i64 {
        self.one("SELECT coalesce(sum(balance), 0)::bigint FROM balance").await
    }

    async fn stored(&self) -> i64 {
        self.one(
            "SELECT coalesce(sum((convert_from(payload, 'UTF8')::json -> 'PaidIn' ->> 'amount')::bigint), 0)::bigint
             FROM event WHERE event_type = 'PaidIn'",
        )
        .await
    }

    /// Its statement of events says up to where it has read by a function that may see a commit which the statement itself does not
    /// (4.0.1, under READ COMMITTED): the listener goes on after it.
    fn may_miss(&self) -> bool {
        true
    }

    async fn events(&self) -> i64 {
        self.one("SELECT count(*) FROM event").await
    }

    /// A listener that starts looks at once; one that runs would do so at the next poll, up to five seconds later.
    async fn rebuild(&self) {
        self.stop_listening().await;
        sqlx::query("TRUNCATE balance").execute(&self.pool).await.expect("an empty table");
        let sql = "UPDATE event_listener SET last_processed_event_id = 0 WHERE id = 'balances'";
        sqlx::query(sql).execute(&self.pool).await.expect("a listener");
        self.listen().await;
        self.settle().await;
    }

    async fn started_anew(&self, snapshots: Snapshots) -> Arc<dyn Bank> {
        Arc::new(Self::start(self.url.clone(), snapshots).await)
    }

    async fn close(&self) {
        self.stop_listening().await;
        self.pool.close().await;
    }
}

//! Another session has locked a table, or the server is silent: callers get an error in time.

use std::time::{Duration, Instant};

use cqrs_postgres::tokio_postgres::Client;
use cqrs_postgres::{PostgresLog, PostgresViews};
use cqrs_runtime::log::{EventLog, EventQuery, Position, StoreError};
use cqrs_runtime::prelude::*;
use cqrs_runtime::snapshot::SnapshotKey;
use cqrs_runtime::view::ViewStore;

use crate::support::{append, builder, client, database, number};

const LIMIT: Duration = Duration::from_millis(700);

/// How long an answer may take on a busy machine.
const SOON: Duration = Duration::from_secs(8);

/// Locks a table, as `ALTER TABLE` and `VACUUM FULL` do, until the client rolls back.
async fn lock(client: &Client, table: &str) {
    client.batch_execute(&format!("BEGIN; LOCK TABLE \"{table}\" IN ACCESS EXCLUSIVE MODE")).await.unwrap();
}

/// Waits for an answer, which must be `Unavailable`.
async fn refused<T>(what: &str, table: &str, asking: impl Future<Output = Result<T, StoreError>>) {
    let started = Instant::now();
    let answer = tokio::time::timeout(SOON, asking).await.unwrap_or_else(|_| panic!("{what} blocks on `{table}`"));
    let error = answer.err().unwrap_or_else(|| panic!("{what} does not need `{table}`"));
    assert!(matches!(error, StoreError::Unavailable { .. }), "{what}, `{table}`: {error}");
    assert!(started.elapsed() < SOON / 2, "{what}, `{table}`: after {:?}", started.elapsed());
}

#[tokio::test]
async fn a_locked_table_makes_every_read_unavailable_in_time() {
    let database = database();
    let log = builder(&database).lock_timeout(LIMIT).open().await.unwrap();
    let views = builder(&database).lock_timeout(LIMIT).open_views().await.unwrap();
    append(&log, "thing:1", "{}").await.unwrap();
    let foreign = client(database.url()).await;
    let tag = EventQuery::tagged(cqrs_runtime::Tag::from_text("thing:1"));
    let key = SnapshotKey { aggregate: "A".into(), tag: cqrs_runtime::Tag::from_text("thing:1"), fingerprint: 1 };
    let snapshots = log.snapshots().unwrap();

    lock(&foreign, "cqrs_events").await;
    refused("the head", "cqrs_events", log.head()).await;
    refused("a read", "cqrs_events", log.read(&tag, Position::START, 10)).await;
    foreign.batch_execute("ROLLBACK").await.unwrap();
    lock(&foreign, "cqrs_event_tags").await;
    refused("a read", "cqrs_event_tags", log.read(&tag, Position::START, 10)).await;
    refused("a probe", "cqrs_event_tags", log.probe()).await;
    foreign.batch_execute("ROLLBACK").await.unwrap();
    lock(&foreign, "cqrs_checkpoints").await;
    refused("a checkpoint", "cqrs_checkpoints", views.checkpoint("P")).await;
    foreign.batch_execute("ROLLBACK").await.unwrap();
    lock(&foreign, "cqrs_parked").await;
    refused("parked keys", "cqrs_parked", views.parked()).await;
    foreign.batch_execute("ROLLBACK").await.unwrap();
    lock(&foreign, "cqrs_leases").await;
    refused("holders", "cqrs_leases", views.holders(&["P"])).await;
    refused("a lease", "cqrs_leases", views.lease(&["P"], "me", LIMIT)).await;
    foreign.batch_execute("ROLLBACK").await.unwrap();
    lock(&foreign, "cqrs_snapshots").await;
    refused("a snapshot", "cqrs_snapshots", snapshots.load(std::slice::from_ref(&key))).await;
    foreign.batch_execute("ROLLBACK").await.unwrap();

    assert_eq!(log.read(&tag, Position::START, 10).await.unwrap().events.len(), 1, "after that everything works");
    log.probe().await.unwrap();
    views.probe().await.unwrap();
}

#[tokio::test]
async fn a_probe_names_each_locked_table_and_the_process_that_locks_it() {
    let database = database();
    let log = builder(&database).open().await.unwrap();
    let foreign = client(database.url()).await;
    let tables = "SELECT relname::text FROM pg_class WHERE relname LIKE 'cqrs\\_%' AND relkind = 'r'";
    let tables = foreign.query(tables, &[]).await.unwrap();
    assert!(tables.len() > 8);
    let pid = number(&foreign, "SELECT pg_backend_pid()::bigint").await;
    for table in tables {
        let table: &str = table.get(0);
        lock(&foreign, table).await;
        let started = Instant::now();
        let error = log.probe().await.unwrap_err().to_string();
        assert!(started.elapsed() < Duration::from_secs(4), "it had little time");
        assert!(error.contains(&format!("`{table}` (process {pid})")), "{table}: {error}");
        foreign.batch_execute("ROLLBACK").await.unwrap();
    }
    // A caller that waits for such a lock blocks all later ones.
    let reader = client(database.url()).await;
    reader.batch_execute("BEGIN; SELECT FROM cqrs_marks").await.unwrap();
    let waiting = tokio::spawn(async move { foreign.batch_execute("BEGIN; LOCK TABLE cqrs_marks").await });
    let observer = client(database.url()).await;
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'cqrs_marks'::regclass";
    while number(&observer, waits).await == 0 {
        tokio::task::yield_now().await;
    }
    let error = log.probe().await.unwrap_err().to_string();
    assert!(error.contains("`cqrs_marks`"), "{error}");
    reader.batch_execute("ROLLBACK").await.unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_statement_ends_in_time_also_a_handlers() {
    let database = database();
    let limit = Duration::from_millis(300);
    let views = builder(&database).statement_timeout(limit).open_views().await.unwrap();
    let reader = views.reader().await.unwrap().downcast::<cqrs_postgres::PostgresReader>().unwrap();
    let started = Instant::now();
    let error = reader.query_one("SELECT pg_sleep(30)::text", &[]).await.unwrap_err();
    assert!(started.elapsed() < SOON && error.to_string().contains("statement timeout"), "{error}");
}

/// The timeouts in all sessions of this crate.
async fn in_force(views: &PostgresViews, setting: &str) -> String {
    let reader = views.reader().await.unwrap().downcast::<cqrs_postgres::PostgresReader>().unwrap();
    let row = reader.query_one("SELECT current_setting($1)", &[&setting]).await.unwrap();
    row.get(0)
}

#[tokio::test]
async fn smaller_timeouts_of_the_role_stay_and_larger_ones_do_not() {
    let database = database();
    let name = database.url().rsplit('/').next().unwrap().to_owned();
    drop(builder(&database).open().await.unwrap());
    let owner = client(database.url()).await;
    for (setting, expected) in [("0", "30s"), ("100ms", "100ms"), ("2min", "30s"), ("20s", "20s"), ("1d", "30s")] {
        for timeout in ["lock_timeout", "statement_timeout"] {
            owner.batch_execute(&format!("ALTER DATABASE {name} SET {timeout} = '{setting}'")).await.unwrap();
        }
        let half = Duration::from_secs(30);
        let views =
            builder(&database).readers(1).lock_timeout(half).statement_timeout(half).open_views().await.unwrap();
        for timeout in ["lock_timeout", "statement_timeout", "lock_timeout"] {
            assert_eq!(in_force(&views, timeout).await, expected, "{timeout}, where the role says {setting}");
        }
    }
}

mod counting {
    use cqrs_runtime::prelude::*;

    #[derive(Id)]
    pub struct TallyId(String);

    #[derive(Event, Serialize, Deserialize)]
    pub struct Counted {
        #[tag]
        pub tally: TallyId,
    }

    pub struct Tally;

    #[aggregate(id = TallyId, on = [Counted])]
    impl Tally {
        fn counted(_: Option<Self>, _: &Counted) -> Self {
            Self
        }
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct Count {
        pub tally: TallyId,
    }

    #[command]
    fn count(cmd: Count, _tally: Option<&Tally>) -> Result<Counted, std::convert::Infallible> {
        Ok(Counted { tally: cmd.tally })
    }

    #[derive(View, Serialize, Deserialize)]
    pub struct Board {
        #[key]
        pub tally: TallyId,
        pub times: u64,
    }

    #[projection(on = [Counted])]
    impl Board {
        fn counted(this: Option<Self>, e: &Counted) -> Self {
            Self { tally: e.tally.clone(), times: this.map_or(0, |this| this.times) + 1 }
        }
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u64)]
    pub struct Times {
        pub tally: TallyId,
    }

    #[query]
    async fn times(q: Times, boards: Views<Board>) -> Result<u64, QueryError> {
        Ok(boards.get(&q.tally).await?.map_or(0, |board| board.times))
    }
}
use counting::{Count, TallyId, Times};

async fn counting(log: PostgresLog) -> App {
    App::builder().log(log).only_modules([concat!(module_path!(), "::counting")]).build().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_blocks_no_command_and_no_query_and_health_names_it() {
    let database = database();
    let app = counting(builder(&database).lock_timeout(LIMIT).open().await.unwrap()).await;
    let count = |name: &str| app.commands().execute(Count { tally: TallyId::new(name) });
    count("known").await.unwrap();
    let foreign = client(database.url()).await;
    let view = "SELECT relname::text FROM pg_class WHERE relname LIKE 'cqrs\\_view%board%' AND relkind = 'r'";
    let view: String = foreign.query_one(view, &[]).await.unwrap().get(0);
    for table in ["cqrs_events", "cqrs_event_tags", "cqrs_checkpoints", view.as_str()] {
        lock(&foreign, table).await;
        let health = app.health().await;
        assert!(!health.is_ready() && health.to_string().contains(&format!("`{table}`")), "{table}: {health}");
        for name in ["known", &format!("unknown to {table}")] {
            let executed = tokio::time::timeout(SOON, count(name)).await.unwrap_or_else(|_| panic!("{name} blocks"));
            assert!(matches!(executed, Err(CommandError::Unavailable(_))), "{table}, {name}: {executed:?}");
        }
        let asked = tokio::time::timeout(SOON, app.queries().ask(Times { tally: TallyId::new("known") })).await;
        let asked = asked.unwrap_or_else(|_| panic!("a query blocks on {table}"));
        assert!(asked.is_ok() || matches!(asked, Err(QueryError::Unavailable(_))), "{table}: {asked:?}");
        foreign.batch_execute("ROLLBACK").await.unwrap();
    }
    count("known").await.unwrap();
    assert_eq!(app.queries().ask(Times { tally: TallyId::new("known") }).await.unwrap(), 2);
    let health = app.health().await;
    assert!(health.is_ready(), "{health}");
}

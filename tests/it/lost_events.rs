//! A log that has lost its last events: restored from a backup, or failed over to a server that lacks them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cqrs_postgres::{PostgresLog, PostgresViews};
use cqrs_redis::RedisViews;
use cqrs_runtime::log::{AppendEntry, EventLog, EventQuery, append, read};
use cqrs_runtime::policy::PolicyStatus;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{MemoryViews, ViewStore};
use cqrs_runtime::{AppBuilder, Bookmark};
use cqrs_sqlite::rusqlite::Connection;
use cqrs_sqlite::{SqliteLog, SqliteViews};
use cqrs_test_servers::{Database, Postgres, Redis};
use cqrs_tests::bank::*;
use tempfile::TempDir;

use crate::logs::bank;

const LONG: Duration = Duration::from_secs(60);

/// Where a log is stored, so that the test can take events from it behind the program's back.
enum Site {
    Sqlite(TempDir),
    /// A file in whose place another is put, as somebody does who restores a backup.
    Replaced(TempDir),
    Postgres(Database),
}

impl Site {
    fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    fn replaced() -> Self {
        Self::Replaced(tempfile::tempdir().unwrap())
    }

    fn postgres() -> Self {
        Self::Postgres(Postgres::shared().database())
    }

    fn all() -> [Self; 3] {
        [Self::sqlite(), Self::replaced(), Self::postgres()]
    }

    /// The log, as another process opens it.
    async fn open(&self) -> Arc<dyn EventLog> {
        match self {
            Self::Sqlite(folder) | Self::Replaced(folder) => {
                Arc::new(SqliteLog::open(folder.path().join("log.db")).await.unwrap())
            }
            Self::Postgres(database) => Arc::new(PostgresLog::open(database.url()).await.unwrap()),
        }
    }

    async fn app(&self, views: Option<Arc<dyn ViewStore>>, partitions: u32) -> App {
        let mut builder = App::builder().projection_lease(Duration::from_millis(600));
        builder = match self {
            Self::Sqlite(folder) | Self::Replaced(folder) => {
                builder.log(SqliteLog::open(folder.path().join("log.db")).await.unwrap())
            }
            Self::Postgres(database) => builder.log(PostgresLog::open(database.url()).await.unwrap()),
        };
        if let Some(views) = views {
            builder = builder.views(views).partitions::<Balance>(partitions);
        }
        bank(builder).await
    }

    /// The log loses the events after this position.
    fn lose(&self, after: Position) {
        let tables = ["cqrs_events", "cqrs_event_tags", "cqrs_commands"];
        let sql: String = tables.map(|table| format!("DELETE FROM {table} WHERE position > {after};")).concat();
        match self {
            Self::Sqlite(folder) => {
                let file = Connection::open(folder.path().join("log.db")).unwrap();
                file.busy_timeout(LONG).unwrap();
                file.execute_batch(&format!("BEGIN IMMEDIATE; {sql} COMMIT;")).unwrap();
            }
            Self::Replaced(folder) => {
                let [path, copy] = ["log.db", "copy.db"].map(|name| folder.path().join(name));
                Connection::open(&path).unwrap().execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
                Connection::open(&copy).unwrap().execute_batch(&sql).unwrap();
                for beside in ["log.db-wal", "log.db-shm"] {
                    // There are none where no program has the file open.
                    let _ = std::fs::remove_file(folder.path().join(beside));
                }
                std::fs::rename(copy, path).unwrap();
            }
            Self::Postgres(database) => {
                let done =
                    Command::new("psql").args(["-XqAt1", "-v", "ON_ERROR_STOP=1", "-c", &sql, database.url()]).output();
                let done = done.unwrap();
                assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            }
        }
    }
}

/// The read sides, by name: nothing is level 1.
async fn read_sides(folder: &Path, database: &Database) -> Vec<(&'static str, Option<Arc<dyn ViewStore>>, u32)> {
    let files = SqliteViews::open(folder.join("views.db")).await.unwrap();
    let postgres = PostgresViews::open(database.url()).await.unwrap();
    let prefix = format!("lost{}", Uuid::now_v7().simple());
    let redis = RedisViews::builder(Redis::shared().url()).prefix(prefix).open().await.unwrap();
    vec![
        ("level 1", None, 1),
        ("memory", Some(Arc::new(MemoryViews::new())), 1),
        ("memory, in partitions", Some(Arc::new(MemoryViews::new())), 3),
        ("SQLite", Some(Arc::new(files)), 1),
        ("PostgreSQL", Some(Arc::new(postgres)), 1),
        ("Redis", Some(Arc::new(redis)), 1),
    ]
}

async fn pay_in(app: &App, account: AccountId, times: usize) -> Position {
    let mut at = Position::START;
    for _ in 0..times {
        at = app.commands().execute(PayIn { account, amount: 10 }).await.unwrap().position();
    }
    at
}

async fn balance(app: &App, account: AccountId, at: Position) -> i64 {
    let patient = app.queries().after(at).within(LONG);
    patient.ask(BalanceOf { account }).await.unwrap().expect("the account").balance
}

/// Loses five events, and has others in their places: fewer, as many, more, none. The program that knew them goes on, or is
/// started afterwards.
async fn goes_on(
    site: &Site,
    how: &str,
    views: Option<Arc<dyn ViewStore>>,
    partitions: u32,
    grown: usize,
    is_down: bool,
) {
    let about = format!("{how}, grown by {grown}, down: {is_down}");
    let app = site.app(views.clone(), partitions).await;
    let (owner, mine, other) = (PersonId::new(), AccountId::new(), AccountId::new());
    for account in [mine, other] {
        app.commands().execute(OpenAccount { account, owner }).await.unwrap();
    }
    let kept = pay_in(&app, mine, 3).await;
    let lost = pay_in(&app, mine, 5).await;
    assert_eq!(balance(&app, mine, lost).await, 80, "{about}");
    let mut app = Some(app);
    if is_down {
        app.take().unwrap().close().await;
    }
    site.lose(kept);
    let away = if views.is_some() { Some(Arc::new(MemoryViews::new()) as Arc<dyn ViewStore>) } else { None };
    let second = site.app(away, 1).await;
    pay_in(&second, other, grown).await;
    let app = match app {
        Some(app) => app,
        None => site.app(views, partitions).await,
    };

    // 30 are there, not 80.
    let transfer = |amount| Transfer { from: mine, to: other, amount };
    let too_much = app.commands().execute(transfer(50)).await;
    assert!(matches!(too_much, Err(CommandError::Rejected(_))), "decided on lost events: {about}: {too_much:?}");
    let at = app.commands().execute(transfer(20)).await.unwrap().position();
    assert_eq!(at.get(), kept.get() + grown as u64 + 1, "{about}");
    assert_eq!(balance(&app, mine, at).await, 10, "{about}");
    assert_eq!(balance(&app, other, at).await, 10 * i64::try_from(grown).unwrap() + 20, "{about}");
    if !is_down {
        let health = app.health().await;
        assert!(health.problems.iter().any(|problem| problem.part == "log"), "{about}: {health}");
        assert!(app.dismiss_lost_events(), "{about}");
    }
    let health = app.health().await;
    assert_eq!(health.problems, [], "once all is rebuilt: {about}");
    // What is beyond the end is waited for, and no longer than is asked.
    for beyond in [at.plus(3), Position::new(i64::MAX.cast_unsigned()), Position::new(1 << 63), Position::MAX] {
        let asked =
            app.queries().after(beyond).within(Duration::from_millis(400)).ask(BalanceOf { account: mine }).await;
        assert!(matches!(asked, Err(QueryError::NotYet(_))), "{beyond}: {about}: {asked:?}");
    }
    app.close().await;
    second.close().await;
}

async fn every_read_side(site: fn() -> Site, is_down: bool) {
    for grown in [0, 2, 5, 8] {
        let (folder, database) = (tempfile::tempdir().unwrap(), Postgres::shared().database());
        for (how, views, partitions) in read_sides(folder.path(), &database).await {
            goes_on(&site(), how, views, partitions, grown, is_down).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_notices_that_a_sqlite_log_has_lost_events() {
    every_read_side(Site::sqlite, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_notices_that_the_file_of_its_log_was_replaced() {
    every_read_side(Site::replaced, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_notices_that_a_postgres_log_has_lost_events() {
    every_read_side(Site::postgres, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_started_on_a_restored_sqlite_log_notices() {
    every_read_side(Site::sqlite, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_started_on_a_restored_postgres_log_notices() {
    every_read_side(Site::postgres, true).await;
}

/// Nobody sends a command, and the log does not grow: the views notice all the same.
#[tokio::test(flavor = "multi_thread")]
async fn views_show_no_lost_event_for_long_while_nothing_happens() {
    for site in Site::all() {
        for (views, partitions) in [(MemoryViews::new(), 1), (MemoryViews::new(), 3)] {
            let app = site.app(Some(Arc::new(views)), partitions).await;
            let (owner, account) = (PersonId::new(), AccountId::new());
            let kept = app.commands().execute(OpenAccount { account, owner }).await.unwrap().position();
            let lost = pay_in(&app, account, 2).await;
            assert_eq!(balance(&app, account, lost).await, 20);
            site.lose(kept);
            let started = Instant::now();
            loop {
                match app.queries().ask(BalanceOf { account }).await {
                    Ok(Some(shown)) if shown.balance == 0 => break,
                    Ok(Some(shown)) => assert_eq!(shown.balance, 20),
                    Ok(None) | Err(QueryError::NotBuilt(_)) => {}
                    Err(error) => panic!("{error}"),
                }
                assert!(started.elapsed() < LONG, "the lost events are still shown");
                tokio::task::yield_now().await;
            }
            let asked = app.queries().after(lost).within(Duration::from_millis(50)).ask(BalanceOf { account }).await;
            assert!(matches!(asked, Err(QueryError::NotYet(_))), "{asked:?}");
            app.close().await;
        }
    }
}

/// At level 1 no task follows the log: a query that asks after a lost position looks for it soon.
#[tokio::test(flavor = "multi_thread")]
async fn at_level_1_a_lost_position_is_not_reached_for_ever() {
    for site in Site::all() {
        let app = site.app(None, 1).await;
        let (owner, account) = (PersonId::new(), AccountId::new());
        let kept = app.commands().execute(OpenAccount { account, owner }).await.unwrap().position();
        let lost = pay_in(&app, account, 2).await;
        site.lose(kept);
        let started = Instant::now();
        while app.queries().after(lost).within(Duration::from_millis(20)).ask(BalanceOf { account }).await.is_ok() {
            assert!(started.elapsed() < Duration::from_secs(20), "it answers as if it were there");
            tokio::task::yield_now().await;
        }
        assert_eq!(balance(&app, account, kept).await, 0);
        app.close().await;
    }
}

/// A condition on an event that the log has lost fails, though no event after it matches; and a stream says that it must begin
/// again.
#[tokio::test(flavor = "multi_thread")]
async fn conditions_and_streams_know_their_event() {
    for site in Site::all() {
        let app = site.app(None, 1).await;
        let (owner, account) = (PersonId::new(), AccountId::new());
        let kept = app.commands().execute(OpenAccount { account, owner }).await.unwrap().position();
        pay_in(&app, account, 1_200).await;
        let log = site.open().await;
        let end = log.last().await.unwrap();
        let mut stream = read(Arc::clone(&log), EventQuery::all(), Position::START);
        assert!(stream.next().await.unwrap().is_ok());
        site.lose(kept);
        pay_in(&app, account, 2).await;
        let conditions = [end, Bookmark::from(end.position), Bookmark { event: end.event, ..kept.into() }];
        for condition in conditions {
            let event = MoneyPaidIn { account, amount: 1 };
            let entry = AppendEntry::new(event).unless(EventQuery::named(&["Never"]), condition);
            let appended = append(&*log, vec![entry]).await.unwrap();
            assert!(appended[0].is_err(), "decided on a lost event: {condition}");
        }
        let mut read = 1;
        let error = loop {
            match stream.next().await.expect("it does not end as if all were read") {
                Ok(_) => read += 1,
                Err(error) => break error,
            }
        };
        assert!(read == 1_000 && error.to_string().contains("no longer holds the event"), "{read}: {error}");
        app.close().await;
    }
}

#[derive(Id)]
pub struct BellId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Rung {
    #[tag]
    bell: BellId,
}

#[derive(Command, Serialize, Deserialize)]
pub struct Ring {
    bell: BellId,
}

#[command]
fn ring(cmd: Ring) -> Result<Rung, std::convert::Infallible> {
    Ok(Rung { bell: cmd.bell })
}

#[policy(on = [Rung], from_start)]
async fn answer(_: &Rung, doors: State<Doors>) {
    doors.0.fetch_add(1, Ordering::SeqCst);
}

#[derive(Default)]
pub struct Doors(AtomicU32);

async fn bells(builder: AppBuilder, doors: &Arc<Doors>) -> App {
    builder.shared_state(Arc::clone(doors)).only_modules(["it::lost_events"]).build().await.unwrap()
}

async fn stopped(app: &App) -> PolicyStatus {
    let started = Instant::now();
    loop {
        let status = app.policies().pop().expect("a policy");
        if status.stopped {
            return status;
        }
        assert!(started.elapsed() < LONG, "it goes on: {status:?}");
        tokio::task::yield_now().await;
    }
}

/// It stops in every process, also one that is started later; and goes on from where an operator says.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_stops_until_an_operator_says_from_where_it_goes_on() {
    for site in [Site::sqlite(), Site::postgres()] {
        for grown in [0, 2, 3, 5] {
            let doors = Arc::new(Doors::default());
            let open = async || match &site {
                Site::Sqlite(folder) | Site::Replaced(folder) => {
                    let path = folder.path().join(format!("{grown}.db"));
                    App::builder().log(SqliteLog::open(path).await.unwrap())
                }
                Site::Postgres(database) => {
                    let schema = format!("bells{grown}");
                    App::builder().log(PostgresLog::builder(database.url()).schema(&schema).open().await.unwrap())
                }
            };
            let app = bells(open().await, &doors).await;
            let ring = async |app: &App, times: u64| {
                for _ in 0..times {
                    app.commands().execute(Ring { bell: BellId::new() }).await.unwrap();
                }
            };
            ring(&app, 5).await;
            app.settled().await.unwrap();
            assert_eq!(doors.0.load(Ordering::SeqCst), 5);
            assert!(app.resume_policy("answer", Position::START).await.is_err(), "it is not stopped");
            lose_in(&site, grown, 2);
            let second = bells(open().await.without_policies(), &doors).await;
            ring(&second, grown).await;

            let status = stopped(&app).await;
            let why = status.error.expect("why");
            assert!(why.contains("at position 5") && why.contains("the log does not hold"), "{why}");
            let health = app.health().await.to_string();
            assert!(health.contains("policy `answer`: it has stopped") && health.contains("resume_policy"), "{health}");
            assert!(app.settled().await.is_err(), "nobody waits for a policy that is stopped");
            let later = bells(open().await, &doors).await;
            stopped(&later).await;
            assert_eq!(doors.0.load(Ordering::SeqCst), 5, "nothing was answered since");

            let head = app.log().head().await.unwrap();
            assert!(app.resume_policy("answer", head.next()).await.is_err(), "the log does not reach that far");
            assert!(app.resume_policy("answer", Position::MAX).await.is_err());
            later.resume_policy("answer", Position::new(1)).await.unwrap();
            let started = Instant::now();
            while app.policies()[0].stopped {
                assert!(started.elapsed() < LONG, "it goes on in every process");
                tokio::task::yield_now().await;
            }
            app.settled().await.unwrap();
            later.settled().await.unwrap();
            let answered = u64::from(doors.0.load(Ordering::SeqCst));
            assert_eq!(answered, 5 + head.get() - 1, "each after the first, once");
            assert!(app.resume_policy("answer", Position::START).await.is_err(), "it goes on already");
            for app in [app, second, later] {
                app.close().await;
            }
        }
    }
}

fn lose_in(site: &Site, schema: u64, after: u32) {
    match site {
        Site::Sqlite(folder) | Site::Replaced(folder) => {
            let file = Connection::open(folder.path().join(format!("{schema}.db"))).unwrap();
            file.busy_timeout(LONG).unwrap();
            file.execute("DELETE FROM cqrs_events WHERE position > ?1", [after]).unwrap();
        }
        Site::Postgres(database) => {
            let sql = format!("DELETE FROM bells{schema}.cqrs_events WHERE position > {after}");
            let done =
                Command::new("psql").args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", &sql, database.url()]).output();
            assert!(done.unwrap().status.success());
        }
    }
}

//! Async projections, which write to tables of the database that holds the views.

use std::time::Duration;

use cqrs_runtime::app::ProjectionState;
use cqrs_runtime::error::OperationError;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::MemoryViews;
use cqrs_sqlite::rusqlite::Connection;
use cqrs_sqlite::{SqliteLog, SqliteViews};
use cqrs_tests::bank::{AccountId, Balance, BalanceOf, OpenAccount, PersonId};

/// Meters that are read into a table of the read file.
mod meters {
    use std::sync::Mutex;

    use cqrs_runtime::prelude::*;
    use cqrs_sqlite::{Sqlite, rusqlite};

    #[derive(Id)]
    pub struct MeterId(Uuid);

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct MeterRead {
        #[tag]
        pub meter: MeterId,
        pub value: i64,
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct ReadMeter {
        pub meter: MeterId,
        pub value: i64,
    }

    #[command]
    fn read_meter(cmd: ReadMeter) -> Result<MeterRead, std::convert::Infallible> {
        Ok(MeterRead { meter: cmd.meter, value: cmd.value })
    }

    /// The values that cannot be taken at present.
    pub static REFUSED: Mutex<Vec<i64>> = Mutex::new(Vec::new());

    pub struct Readings;

    #[derive(Debug, thiserror::Error)]
    pub enum ReadingsError {
        #[error("a meter does not run backwards")]
        Backwards,
        #[error(transparent)]
        Database(#[from] rusqlite::Error),
    }

    #[projection(on = [MeterRead])]
    impl Readings {
        async fn read(tx: &mut Tx<Sqlite>, event: &Recorded<MeterRead>) -> Result<(), ReadingsError> {
            tx.execute("INSERT INTO readings VALUES (?1, ?2)", (event.position().get().cast_signed(), event.value))?;
            if REFUSED.lock().unwrap().contains(&event.value) {
                return Err(ReadingsError::Backwards);
            }
            Ok(())
        }
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Vec<i64>)]
    pub struct AllReadings {}

    #[query]
    async fn all_readings(_q: AllReadings, reader: Reader<Sqlite>) -> Result<Vec<i64>, rusqlite::Error> {
        let mut statement = reader.prepare("SELECT value FROM readings ORDER BY position")?;
        statement.query_map([], |row| row.get(0))?.collect()
    }
}

/// The same meters in a later version of the program: its projection writes something else.
mod meters_later {
    use cqrs_runtime::prelude::*;
    use cqrs_sqlite::{Sqlite, rusqlite};

    pub use super::meters::MeterId;

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct MeterRead {
        #[tag]
        pub meter: MeterId,
        pub value: i64,
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct ReadMeter {
        pub meter: MeterId,
        pub value: i64,
    }

    #[command]
    fn read_meter(cmd: ReadMeter) -> Result<MeterRead, std::convert::Infallible> {
        Ok(MeterRead { meter: cmd.meter, value: cmd.value })
    }

    pub struct Readings;

    #[projection(on = [MeterRead], revision = 2)]
    impl Readings {
        async fn read(tx: &mut Tx<Sqlite>, event: &Recorded<MeterRead>) -> Result<(), rusqlite::Error> {
            let position = event.position().get().cast_signed();
            tx.execute("INSERT OR REPLACE INTO readings VALUES (?1, ?2)", (position, event.value * 10)).map(drop)
        }
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Vec<i64>)]
    pub struct AllReadings {}

    #[query]
    async fn all_readings(_q: AllReadings, reader: Reader<Sqlite>) -> Result<Vec<i64>, rusqlite::Error> {
        let mut statement = reader.prepare("SELECT value FROM readings ORDER BY position")?;
        statement.query_map([], |row| row.get(0))?.collect()
    }
}

/// The tests of meters say in turn what is refused.
static METERS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const READINGS: &str = "CREATE TABLE readings (position INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT";

#[tokio::test]
async fn at_level_1_an_async_projection_is_retried_and_skipped_too() {
    use meters::{AllReadings, MeterId, REFUSED, ReadMeter};
    let _one_at_a_time = METERS.lock().await;
    REFUSED.lock().unwrap().extend([-6, -8]);
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log.db")).await.unwrap();
    Connection::open(folder.path().join("log.db")).unwrap().execute_batch(READINGS).unwrap();
    let module = format!("{}::meters", module_path!());
    let app = App::builder().log(log).only_modules([module]).build().await.unwrap();
    for value in [5, -6, 7, -8, 9] {
        app.commands().execute(ReadMeter { meter: MeterId::new(), value }).await.unwrap();
    }
    let readings = async || app.queries().ask(AllReadings {}).await.unwrap();
    assert_eq!(readings().await, [5]);
    app.skip("Readings", "").await.unwrap();
    assert_eq!(readings().await, [5, 7]);
    let parked = async || {
        let parked = app.parked().await.unwrap().remove(0);
        (parked.position.get(), parked.attempts)
    };
    assert_eq!(parked().await, (4, 1));
    app.retry("Readings", "").await.unwrap();
    assert_eq!(readings().await, [5, 7], "it is refused again");
    app.retry("Readings", "").await.unwrap();
    assert_eq!(parked().await, (4, 3), "and its attempts are counted");
    REFUSED.lock().unwrap().clear();
    app.retry("Readings", "").await.unwrap();
    assert_eq!(readings().await, [5, 7, -8, 9]);
    assert_eq!(app.projections().await.unwrap()[0].state, ProjectionState::Running);
}

#[tokio::test]
async fn an_async_projection_writes_to_the_read_file_each_event_once() {
    use meters::{AllReadings, MeterId, REFUSED, ReadMeter};
    let _one_at_a_time = METERS.lock().await;
    REFUSED.lock().unwrap().extend([-6, -8]);
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log.db")).await.unwrap();
    let views = SqliteViews::open(folder.path().join("views.db")).await.unwrap();
    let tables = Connection::open(folder.path().join("views.db")).unwrap();
    tables.execute_batch(READINGS).unwrap();
    let module = format!("{}::meters", module_path!());
    let app = App::builder().log(log).views(views).only_modules([module]).projection_batch(3).build().await.unwrap();
    let read = async |values: &[i64]| {
        let mut at = Position::START;
        for &value in values {
            at = app.commands().execute(ReadMeter { meter: MeterId::new(), value }).await.unwrap().position();
        }
        at
    };
    let at = read(&[1, 2, 3, 4]).await;
    assert_eq!(app.queries().after(at).ask(AllReadings {}).await.unwrap(), [1, 2, 3, 4]);

    let at = read(&[5, -6, 7, -8, 9]).await;
    let after = app.queries().after(at).within(Duration::from_millis(300));
    assert_eq!(after.ask(AllReadings {}).await.unwrap_err().kind(), "NotYet");
    assert_eq!(app.queries().ask(AllReadings {}).await.unwrap(), [1, 2, 3, 4, 5], "what it did at the event is undone");
    let parked = app.parked().await.unwrap().remove(0);
    assert_eq!((&*parked.projection, &*parked.key, parked.position.get()), ("Readings", "", 6));
    assert!(parked.error.contains("does not run backwards"), "{}", parked.error);
    assert_eq!(app.projections().await.unwrap()[0].state, ProjectionState::Parked);

    app.retry("Readings", "").await.unwrap();
    let parked = app.parked().await.unwrap().remove(0);
    assert_eq!((parked.position.get(), parked.attempts), (6, 2), "it is refused again, and that is counted");
    app.skip("Readings", "").await.unwrap();
    assert_eq!(after.ask(AllReadings {}).await.unwrap_err().kind(), "NotYet", "there is another one");
    REFUSED.lock().unwrap().clear();
    app.retry("Readings", "").await.unwrap();
    assert_eq!(app.queries().after(at).ask(AllReadings {}).await.unwrap(), [1, 2, 3, 4, 5, 7, -8, 9]);
    assert_eq!(app.parked().await.unwrap(), []);

    tables.execute_batch("DELETE FROM readings").unwrap();
    assert_eq!(app.rebuild("Readings").await.unwrap(), at);
    assert_eq!(app.queries().after(at).ask(AllReadings {}).await.unwrap(), [1, 2, 3, 4, 5, -6, 7, -8, 9]);
}

#[tokio::test]
async fn an_async_projection_and_a_reader_find_the_database_that_they_name() {
    use meters::{AllReadings, MeterId, REFUSED, ReadMeter};
    let _one_at_a_time = METERS.lock().await;
    REFUSED.lock().unwrap().clear();
    let folder = tempfile::tempdir().unwrap();
    let views = SqliteViews::open(folder.path().join("views.db")).await.unwrap();
    Connection::open(folder.path().join("views.db")).unwrap().execute_batch(READINGS).unwrap();
    let app = App::builder().log(MemoryLog::new()).views(MemoryViews::new()).views(views);
    let app =
        app.only_modules(["cqrs_tests::bank".to_owned(), format!("{}::meters", module_path!())]).build().await.unwrap();
    let (account, owner) = (AccountId::new(), PersonId::new());
    app.commands().execute(OpenAccount { account, owner }).await.unwrap();
    let at = app.commands().execute(ReadMeter { meter: MeterId::new(), value: 3 }).await.unwrap().position();
    assert_eq!(app.queries().after(at).ask(AllReadings {}).await.unwrap(), [3]);
    assert_eq!(app.queries().after(at).ask(BalanceOf { account }).await.unwrap().unwrap().balance, 0);
    let of_views = app.views_of("Balance").unwrap();
    assert_eq!(of_views.checkpoint("Readings").await.unwrap(), None, "it is kept where its tables are");
    let seen = app.commands().awaiting_projection::<meters::Readings>().awaiting::<Balance>();
    let seen = seen.execute(ReadMeter { meter: MeterId::new(), value: 4 }).await;
    seen.seen.unwrap();
    assert_eq!(app.queries().ask(AllReadings {}).await.unwrap(), [3, 4]);
}

#[tokio::test]
async fn an_async_projection_that_stands_beyond_a_restored_log_is_parked_until_it_is_rebuilt() {
    use meters::{AllReadings, MeterId, REFUSED, ReadMeter};
    let _one_at_a_time = METERS.lock().await;
    REFUSED.lock().unwrap().clear();
    let folder = tempfile::tempdir().unwrap();
    let module = format!("{}::meters", module_path!());
    let on = async |log: MemoryLog| {
        let views = SqliteViews::open(folder.path().join("views.db")).await.unwrap();
        App::builder().log(log).views(views).only_modules([&*module]).build().await.unwrap()
    };
    let log = MemoryLog::new();
    let app = on(log.clone()).await;
    let tables = Connection::open(folder.path().join("views.db")).unwrap();
    tables.execute_batch(READINGS).unwrap();
    let read = async |app: &App, value| {
        app.commands().execute(ReadMeter { meter: MeterId::new(), value }).await.unwrap().position()
    };
    read(&app, 1).await;
    let at = read(&app, 2).await;
    assert_eq!(app.queries().after(at).ask(AllReadings {}).await.unwrap(), [1, 2]);
    app.close().await;

    let restored = MemoryLog::new();
    let first = log.read(&EventQuery::all(), Position::START, 1).await.unwrap().events;
    let mut tx = restored.begin().await.unwrap();
    tx.append(&first, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let app = on(restored).await;
    let parked = app.parked().await.unwrap().remove(0);
    assert_eq!((&*parked.projection, &*parked.key), ("Readings", ""));
    assert!(parked.error.contains("ends at position 1: the log was restored"), "{}", parked.error);
    tables.execute_batch("DELETE FROM readings").unwrap();
    app.rebuild("Readings").await.unwrap();
    let at = read(&app, 3).await;
    assert_eq!(app.queries().after(at).ask(AllReadings {}).await.unwrap(), [1, 3]);
    assert_eq!(app.parked().await.unwrap(), []);
}

/// A program of the first version, and of the later one, at level 1 or 2 on one folder.
async fn versions(folder: &std::path::Path, level: u8) -> (App, impl AsyncFn() -> App) {
    let (log, views) = (folder.join("log.db"), folder.join("views.db"));
    Connection::open(if level == 1 { &log } else { &views }).unwrap().execute_batch(READINGS).unwrap();
    let app = async move |module: &str| {
        let builder = App::builder().log(SqliteLog::open(&log).await.unwrap());
        let builder =
            builder.only_modules([format!("{}::{module}", module_path!())]).projection_lease(Duration::from_secs(2));
        match level {
            1 => builder.build().await.unwrap(),
            _ => builder.views(SqliteViews::open(&views).await.unwrap()).build().await.unwrap(),
        }
    };
    (app("meters").await, async move || app("meters_later").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_async_projection_that_has_changed_waits_for_its_owner() {
    let _one_at_a_time = METERS.lock().await;
    for (level, rebuilds) in [(1, true), (1, false), (2, true), (2, false)] {
        let folder = tempfile::tempdir().unwrap();
        let (old, later) = versions(folder.path(), level).await;
        let meter = meters::MeterId::new();
        let mut at = Position::START;
        for value in [1, 2] {
            at = old.commands().execute(meters::ReadMeter { meter, value }).await.unwrap().position();
        }
        let wait = Duration::from_secs(60);
        old.caught_up(at, wait).await.unwrap();
        assert_eq!(old.parked().await.unwrap(), []);
        if level == 2 {
            old.clone().close().await;
        }

        let new = later().await;
        let parked = new.parked().await.unwrap();
        assert_eq!((parked.len(), &*parked[0].projection, &*parked[0].key), (1, "Readings", ""));
        assert!(
            parked[0].error.contains("`revision`") && parked[0].error.contains("up to position 2"),
            "{}",
            parked[0].error
        );
        let at = new.commands().execute(meters_later::ReadMeter { meter, value: 3 }).await.unwrap().position();
        let readings = async || new.queries().ask(meters_later::AllReadings {}).await.unwrap();
        assert_eq!(readings().await, [1, 2], "nothing is applied, in level {level}");
        assert_eq!(new.projections().await.unwrap()[0].state, ProjectionState::Parked);
        let error = new.retry("Readings", "").await.unwrap_err();
        assert!(matches!(error, OperationError::ParkedAgain { .. }), "{error}");
        if level == 1 {
            // To a program of the version that has filled the tables nothing has happened.
            old.commands().execute(meters::ReadMeter { meter, value: 4 }).await.unwrap();
            assert_eq!(readings().await, [1, 2, 3, 4]);
            assert_eq!(old.parked().await.unwrap(), []);
        }
        if rebuilds {
            new.rebuild("Readings").await.unwrap();
        } else {
            new.skip("Readings", "").await.unwrap();
        }
        new.caught_up(at, wait).await.unwrap();
        let expected: &[i64] = match (level, rebuilds) {
            (1, true) => &[10, 20, 30, 40],
            (1, false) => &[1, 2, 3, 4],
            (_, true) => &[10, 20, 30],
            (_, false) => &[1, 2, 30],
        };
        assert_eq!(readings().await, expected, "level {level}");
        assert_eq!(new.parked().await.unwrap(), []);
        if level == 1 {
            assert_eq!(old.parked().await.unwrap().len(), 1, "now the tables are the later version's");
            old.commands().execute(meters::ReadMeter { meter, value: 5 }).await.unwrap();
            new.commands().execute(meters_later::ReadMeter { meter, value: 6 }).await.unwrap();
            assert_eq!(readings().await[4..], [50, 60]);
        }
    }
}

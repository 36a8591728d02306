//! Tables that an async projection fills for the first time at level 2: they are incomplete until it reaches the log's initial end.

use std::time::Duration;

use cqrs_runtime::app::ProjectionState;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_sqlite::SqliteViews;
use cqrs_sqlite::rusqlite::Connection;

mod parcels {
    use cqrs_runtime::prelude::*;
    use cqrs_sqlite::{Sqlite, rusqlite};
    use tokio::sync::Semaphore;

    #[derive(Id)]
    pub struct ParcelId(Uuid);

    #[derive(Event, Serialize, Deserialize)]
    pub struct ParcelSent {
        #[tag]
        pub parcel: ParcelId,
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct Send {
        pub parcel: ParcelId,
    }

    #[command]
    fn send(cmd: Send) -> Result<ParcelSent, std::convert::Infallible> {
        Ok(ParcelSent { parcel: cmd.parcel })
    }

    /// How many events may be applied.
    pub static MAY_APPLY: Semaphore = Semaphore::const_new(0);

    pub struct Journal;

    #[projection(on = [ParcelSent])]
    impl Journal {
        async fn sent(tx: &mut Tx<Sqlite>, event: &Recorded<ParcelSent>) -> Result<(), rusqlite::Error> {
            MAY_APPLY.acquire().await.expect("nobody closes it").forget();
            tx.execute("INSERT OR REPLACE INTO journal VALUES (?1)", [event.position().get().cast_signed()]).map(drop)
        }
    }

    /// How many parcels were sent.
    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u32)]
    pub struct Sent {}

    #[query]
    async fn sent(_q: Sent, reader: Reader<Sqlite>) -> Result<u32, rusqlite::Error> {
        reader.query_row("SELECT count(*) FROM journal", [], |row| row.get(0))
    }
}

use parcels::{MAY_APPLY, ParcelId, Send, Sent};

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(60);

async fn not_built(app: &App, at: u64, of: u64) {
    // Its progress shows as soon as it is committed.
    loop {
        let error = app.queries().ask(Sent {}).await.expect_err("the tables tell only a part");
        let QueryError::NotBuilt(how_far) = &error else { panic!("{error}") };
        assert_eq!((how_far.view, how_far.of.get()), ("Journal", of));
        assert!(how_far.position.get() <= at, "{error}");
        if how_far.position.get() == at {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(!app.is_ready().await, "a deployment holds traffic back");
    assert_eq!(app.ready(Duration::ZERO).await.unwrap_err().kind(), "NotBuilt");
    let journal = &app.projections().await.unwrap()[0];
    assert!(!journal.built && matches!(journal.state, ProjectionState::Building(_)), "{journal:?}");
    assert!(app.health().await.to_string().contains("Journal"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_does_not_read_tables_that_are_being_filled() {
    let (folder, log) = (tempfile::tempdir().unwrap(), MemoryLog::new());
    let path = folder.path().join("views.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE journal (at INTEGER PRIMARY KEY) STRICT").unwrap();
    let open = async || {
        let builder = App::builder().log(log.clone()).views(SqliteViews::open(&path).await.unwrap());
        let builder = builder.projection_batch(1).projection_lease(Duration::from_millis(300));
        builder.only_modules([format!("{}::parcels", module_path!())]).build().await.unwrap()
    };
    let writing =
        App::builder().log(log.clone()).views(SqliteViews::open(folder.path().join("other.db")).await.unwrap());
    let writing = writing.only_modules([format!("{}::parcels", module_path!())]).build().await.unwrap();
    for _ in 0..6 {
        writing.commands().execute(Send { parcel: ParcelId::new() }).await.unwrap();
    }
    writing.close().await;

    let app = open().await;
    not_built(&app, 0, 6).await;
    MAY_APPLY.add_permits(3);
    not_built(&app, 3, 6).await;
    app.close().await;
    // Another process goes on, and knows as much of it.
    let app = open().await;
    not_built(&app, 3, 6).await;
    MAY_APPLY.add_permits(3);
    app.ready(LONG).await.unwrap();
    assert_eq!(app.queries().ask(Sent {}).await.unwrap(), 6, "the first answer is whole");

    // From now on it may lag, and its answers tell of a state that was.
    let at = app.commands().execute(Send { parcel: ParcelId::new() }).await.unwrap().position();
    assert_eq!(app.queries().ask(Sent {}).await.unwrap(), 6);
    MAY_APPLY.add_permits(1);
    assert_eq!(app.queries().after(at).within(LONG).ask(Sent {}).await.unwrap(), 7);

    // A rebuild applies every event once more, to tables that somebody has emptied.
    Connection::open(&path).unwrap().execute_batch("DELETE FROM journal").unwrap();
    let rebuilding = tokio::spawn({
        let app = app.clone();
        async move { app.rebuild("Journal").await }
    });
    MAY_APPLY.add_permits(2);
    while app.is_ready().await {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    not_built(&app, 2, 7).await;
    MAY_APPLY.add_permits(5);
    assert_eq!(rebuilding.await.unwrap().unwrap(), 7);
    assert_eq!(app.queries().ask(Sent {}).await.unwrap(), 7);
}

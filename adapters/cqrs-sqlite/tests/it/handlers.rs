//! What a handler can and cannot do through `Tx<Sqlite>` and `Reader<Sqlite>`.

use cqrs_runtime::log::{LogTransaction, StoreError};
use cqrs_runtime::{EventLog, Tx};
use cqrs_sqlite::rusqlite::{Connection, Error, ErrorCode};
use cqrs_sqlite::{Sqlite, SqliteLog, SqliteReader};

use crate::support::{all, append, log, stage};

fn handlers(tx: &mut dyn LogTransaction) -> &mut Tx<Sqlite> {
    tx.database().unwrap().downcast_mut().unwrap()
}

async fn with_stock() -> (tempfile::TempDir, SqliteLog) {
    let (folder, log) = log().await;
    let tables = Connection::open(folder.path().join("log.db")).unwrap();
    tables.execute_batch("CREATE TABLE stock (product TEXT PRIMARY KEY, pieces INTEGER NOT NULL) STRICT").unwrap();
    append(&log, "order:1", "1").await.unwrap();
    (folder, log)
}

async fn reader(log: &SqliteLog) -> SqliteReader {
    *log.views().unwrap().reader().await.unwrap().downcast().unwrap()
}

async fn pieces(log: &SqliteLog) -> Vec<i64> {
    let reader = reader(log).await;
    let mut statement = reader.prepare("SELECT pieces FROM stock ORDER BY product").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn what_a_handler_writes_is_committed_with_its_events() {
    let (_folder, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    handlers(&mut *tx).execute("INSERT INTO stock VALUES (?1, ?2)", ("pear", 3)).unwrap();
    stage(&mut *tx, "order:1", "2").await.unwrap();
    assert!(pieces(&log).await.is_empty(), "nothing shows before the commit");
    tx.commit().await.unwrap();
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![3], 2));

    let mut tx = log.begin().await.unwrap();
    handlers(&mut *tx).execute("UPDATE stock SET pieces = 0", []).unwrap();
    stage(&mut *tx, "order:1", "3").await.unwrap();
    drop(tx);
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![3], 2));
}

#[tokio::test]
async fn a_handler_cannot_end_the_transaction_or_touch_the_frameworks_tables() {
    let (folder, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    stage(&mut *tx, "order:1", "2").await.unwrap();
    let attach = format!("ATTACH '{}' AS other", folder.path().join("other.db").display());
    let refused = [
        "COMMIT",
        "END",
        "ROLLBACK",
        "BEGIN",
        &attach,
        "DETACH main",
        "SAVEPOINT cqrs_1",
        "RELEASE cqrs_1",
        "PRAGMA synchronous = OFF",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA wal_checkpoint",
        "DELETE FROM cqrs_events",
        "DELETE FROM CQRS_Events WHERE position = 1",
        "UPDATE cqrs_events SET data = '{}'",
        "INSERT INTO cqrs_event_tags VALUES ('order:2', 1, 'Happened')",
        "UPDATE cqrs_checkpoints SET position = 0",
        "DROP TABLE cqrs_commands",
        "DROP INDEX cqrs_events_by_name",
        "ALTER TABLE cqrs_events ADD COLUMN more TEXT",
        "ALTER TABLE stock RENAME TO cqrs_stock",
        "CREATE TABLE \"cqrs_view_x\" (x)",
        "CREATE TABLE cqrs_view_mine (x)",
        "CREATE TEMP TABLE cqrs_events (x)",
        "CREATE TEMP VIEW cqrs_events AS SELECT 1",
        "CREATE INDEX slow ON cqrs_events (data)",
        "CREATE TRIGGER sly AFTER INSERT ON cqrs_events BEGIN DELETE FROM stock; END",
        "CREATE TRIGGER sly AFTER INSERT ON stock BEGIN DELETE FROM cqrs_events; END; INSERT INTO stock VALUES ('x', 1)",
    ];
    for sql in refused {
        let error = handlers(&mut *tx).execute_batch(sql).err();
        assert!(error.is_some(), "`{sql}` was let through");
    }
    // Making the trigger is allowed; what fires it is not.
    handlers(&mut *tx).execute_batch("DROP TRIGGER sly").unwrap();
    let allowed = [
        "SELECT count(*) FROM cqrs_events",
        "SAVEPOINT mine; INSERT INTO stock VALUES ('fig', 1); ROLLBACK TO mine; RELEASE mine",
        "INSERT INTO stock VALUES ('pear', 3)",
        "CREATE TABLE parcels (x); CREATE INDEX parcels_x ON parcels (x); DROP TABLE parcels",
        "PRAGMA table_info(stock)",
    ];
    for sql in allowed {
        let error = handlers(&mut *tx).execute_batch(sql).err();
        assert!(error.is_none() || matches!(error, Some(Error::ExecuteReturnedResults)), "`{sql}`: {error:?}");
    }
    tx.commit().await.unwrap();
    assert_eq!((pieces(&log).await, all(&log).await), (vec![3], vec!["1".into(), "2".into()]));
}

#[tokio::test]
async fn a_handler_gets_none_of_the_frameworks_prepared_statements() {
    let (_folder, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    // The very text that the commit is prepared from, which an earlier commit has left in the cache.
    let commit = handlers(&mut *tx).prepare_cached("COMMIT").err();
    let code = commit.and_then(|error| error.sqlite_error_code());
    assert_eq!(code, Some(ErrorCode::AuthorizationForStatementDenied));
}

#[tokio::test]
async fn a_statement_that_rolls_back_ends_the_command_and_nothing_after_it_is_stored() {
    let (_folder, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    stage(&mut *tx, "order:1", "2").await.unwrap();
    let handler = handlers(&mut *tx);
    handler.execute("INSERT INTO stock VALUES ('pear', 3)", []).unwrap();
    handler.execute("INSERT OR ROLLBACK INTO stock VALUES ('pear', 3)", []).unwrap_err();
    // Outside a transaction now: each statement would commit by itself.
    handler.execute("INSERT INTO stock VALUES ('plum', 5)", []).unwrap_err();
    let error = tx.append(&[crate::support::event(3.into(), "order:1", "3")], &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    let error = tx.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    assert!(pieces(&log).await.is_empty());
    assert_eq!(append(&log, "order:1", "2").await.unwrap(), 2, "the log goes on");
}

#[tokio::test]
async fn a_readers_connection_cannot_write() {
    let (_folder, log) = with_stock().await;
    let reader = reader(&log).await;
    for sql in [
        "INSERT INTO stock VALUES ('pear', 3)",
        "DELETE FROM cqrs_events",
        "CREATE TABLE mine (x)",
        "CREATE TEMP TABLE mine (x)",
        "PRAGMA query_only = OFF; INSERT INTO stock VALUES ('pear', 3)",
        "PRAGMA user_version = 7",
        "ATTACH ':memory:' AS other",
        "VACUUM",
    ] {
        assert!(reader.execute_batch(sql).is_err(), "`{sql}` was let through");
    }
    let text = "INSERT INTO stock VALUES ('pear', 3)";
    let code = reader.execute(text, []).unwrap_err().sqlite_error_code();
    assert_eq!(code, Some(ErrorCode::ReadOnly), "it is the database that refuses");
    drop(reader);
    assert!(pieces(&log).await.is_empty());
}

#[tokio::test]
async fn a_reader_comes_back_clean() {
    let (folder, _) = with_stock().await;
    let log = SqliteLog::builder(folder.path().join("log.db")).readers(1).open().await.unwrap();
    let left_open = reader(&log).await;
    left_open.execute_batch("BEGIN; SELECT count(*) FROM cqrs_events").ok();
    assert!(!left_open.is_autocommit());
    drop(left_open);
    append(&log, "order:1", "2").await.unwrap();
    assert_eq!(log.head().await.unwrap(), 2, "the next reader sees the present");
    // There is one connection: a second one has to wait for it.
    let held = reader(&log).await;
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), log.head()).await;
    assert!(waiting.is_err());
    drop(held);
    assert_eq!(log.head().await.unwrap(), 2);
}

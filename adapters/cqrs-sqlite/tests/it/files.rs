//! Files on disk: opening, reopening, and files that are not logs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cqrs_runtime::log::{EventQuery, StoreError};
use cqrs_runtime::snapshot::{Snapshot, SnapshotKey};
use cqrs_runtime::{EventLog, Position, Timestamp};
use cqrs_sqlite::rusqlite::Connection;
use cqrs_sqlite::{OpenError, SqliteLog};

use crate::support::{all, append, folder, log, stage};

async fn refusal(path: impl AsRef<Path>) -> OpenError {
    match SqliteLog::open(path).await {
        Ok(log) => panic!("{} was opened", log.describe()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn events_survive_reopening() {
    let (_folder, path) = folder();
    let log = SqliteLog::open(&path).await.unwrap();
    append(&log, "order:1", "1").await.unwrap();
    drop(log);
    let log = SqliteLog::open(&path).await.unwrap();
    append(&log, "order:1", "2").await.unwrap();
    drop(log);
    assert_eq!(all(&SqliteLog::open(&path).await.unwrap()).await, ["1", "2"]);
}

/// Replaces the log with an earlier copy, as somebody does who restores a backup.
fn restore(path: &Path, backup: &Path) {
    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(with_suffix(path, suffix)).unwrap();
    }
    std::fs::rename(backup, path).unwrap();
}

fn back_up(path: &Path) -> PathBuf {
    let backup = with_suffix(path, "-backup");
    Connection::open(path).unwrap().execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    backup
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[tokio::test]
async fn a_replaced_file_is_used_from_then_on() {
    let (_folder, path) = folder();
    let log = SqliteLog::open(&path).await.unwrap();
    append(&log, "order:1", "1").await.unwrap();
    let backup = back_up(&path);
    append(&log, "order:1", "2").await.unwrap();
    assert_eq!(all(&log).await, ["1", "2"], "a read connection is open too");
    let store = log.snapshots().unwrap();
    store.save(&[snapshot()]).await.unwrap();
    restore(&path, &backup);
    assert_eq!(all(&log).await, ["1"], "reads come from the file");
    append(&log, "order:1", "3").await.unwrap();
    assert_eq!(all(&log).await, ["1", "3"]);
    let mut saved = snapshot();
    assert_eq!(store.load(std::slice::from_ref(&saved.key)).await.unwrap(), [None], "the backup has no snapshot");
    saved.position = Position::new(1);
    store.save(std::slice::from_ref(&saved)).await.unwrap();
    let other = SqliteLog::open(&path).await.unwrap();
    assert_eq!(all(&other).await, ["1", "3"], "acknowledged events are in the file");
    let read = other.snapshots().unwrap().load(std::slice::from_ref(&saved.key)).await.unwrap();
    assert_eq!(read, [Some(saved)], "snapshots too");
}

#[tokio::test]
async fn a_file_that_is_gone_takes_no_events_until_it_is_back() {
    let (_folder, path) = folder();
    let log = SqliteLog::open(&path).await.unwrap();
    append(&log, "order:1", "1").await.unwrap();
    let elsewhere = with_suffix(&path, "-elsewhere");
    std::fs::rename(&path, &elsewhere).unwrap();
    for error in [append(&log, "order:1", "2").await.unwrap_err(), log.head().await.unwrap_err()] {
        assert!(
            matches!(error, StoreError::Unavailable { .. }) && error.to_string().contains("put it back"),
            "{error}"
        );
    }
    std::fs::File::create(&path).unwrap();
    let error = append(&log, "order:1", "2").await.unwrap_err();
    assert!(error.to_string().contains("empty so far"), "an incomplete copy is not written to: {error}");
    std::fs::rename(&elsewhere, &path).unwrap();
    append(&log, "order:1", "3").await.unwrap();
    assert_eq!(all(&log).await, ["1", "3"]);
}

#[tokio::test]
async fn a_write_ahead_log_of_the_old_file_is_not_mixed_into_the_new_one() {
    let (_folder, path) = folder();
    let log = SqliteLog::open(&path).await.unwrap();
    append(&log, "order:1", "1").await.unwrap();
    let backup = back_up(&path);
    append(&log, "order:1", "2").await.unwrap();
    std::fs::rename(&backup, &path).unwrap();
    for error in [append(&log, "order:1", "3").await.unwrap_err(), log.head().await.unwrap_err()] {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("log.db-wal` is still the old file's"), "{error}");
    }
    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(with_suffix(&path, suffix)).unwrap();
    }
    append(&log, "order:1", "3").await.unwrap();
    assert_eq!(all(&log).await, ["1", "3"]);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_folder, path) = folder();
    drop(SqliteLog::open(&path).await.unwrap());
    Connection::open(&path).unwrap().execute("UPDATE cqrs_schema SET version = version + 7", []).unwrap();
    let error = refusal(&path).await;
    assert!(matches!(error, OpenError::Newer { .. }), "{error:?}");
    assert!(error.to_string().contains("update this program"), "the error says what to do: {error}");
}

#[tokio::test]
async fn a_file_of_the_first_schema_is_brought_up() {
    let (_folder, path) = folder();
    append(&SqliteLog::open(&path).await.unwrap(), "order:1", "1").await.unwrap();
    let file = Connection::open(&path).unwrap();
    file.execute_batch(
        "DROP TABLE cqrs_snapshots; DROP TABLE cqrs_leases; ALTER TABLE cqrs_parked DROP COLUMN attempts;
         ALTER TABLE cqrs_checkpoints DROP COLUMN event; DROP TABLE cqrs_names;
         ALTER TABLE cqrs_commands DROP COLUMN content; ALTER TABLE cqrs_commands DROP COLUMN recorded_at;
         INSERT INTO cqrs_commands VALUES ('a', 'DoIt', 1, 1, 'null'), ('b', 'DoIt', 0, 0, 'null');
         UPDATE cqrs_schema SET version = 1",
    )
    .unwrap();
    let log = SqliteLog::open(&path).await.unwrap();
    assert_eq!(file.query_row("SELECT version FROM cqrs_schema", [], |row| row.get::<_, i64>(0)).unwrap(), 5);
    assert_eq!(all(&log).await, ["1"]);
    let event = log.read(&EventQuery::all(), Position::START, 1).await.unwrap().events.remove(0);
    let records = log.command_records(None, 10).await.unwrap();
    let times: Vec<_> = records.iter().map(|record| record.recorded_at).collect();
    assert_eq!(times, [event.header().recorded_at, Timestamp::from_micros(0).unwrap()], "the times of their events");
    assert!(records.iter().all(|record| record.content.is_none()));
    assert_eq!(log.forget_commands(event.header().recorded_at).await.unwrap(), 1);
    cqrs_conformance::snapshots::every_field_comes_back(&log).await;
}

#[tokio::test]
async fn a_snapshot_waits_for_another_process_and_is_saved() {
    let (folder, log) = log().await;
    let other = SqliteLog::open(folder.path().join("log.db")).await.unwrap();
    let snapshot = snapshot();
    let tx = other.begin().await.unwrap();
    let (store, saved) = (log.snapshots().unwrap(), snapshot.clone());
    let mut saving = tokio::spawn(async move { store.save(&[saved]).await });
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut saving).await.is_err(), "it waits");
    drop(tx);
    saving.await.unwrap().unwrap();
    let store = other.snapshots().unwrap();
    assert_eq!(store.load(std::slice::from_ref(&snapshot.key)).await.unwrap(), [Some(snapshot)]);
}

fn snapshot() -> Snapshot {
    let key = SnapshotKey { aggregate: "Order".into(), tag: cqrs_runtime::Tag::from_text("order:1"), fingerprint: 1 };
    Snapshot { key, position: 1.into(), event: cqrs_runtime::Uuid::now_v7(), state: "{}".into() }
}

#[tokio::test]
async fn a_damaged_snapshot_counts_as_missing() {
    let (folder, log) = log().await;
    let snapshot = snapshot();
    let store = log.snapshots().unwrap();
    let file = Connection::open(folder.path().join("log.db")).unwrap();
    for damage in ["position = -1", "event = x'00'", "state = CAST(x'FF00' AS TEXT)"] {
        store.save(std::slice::from_ref(&snapshot)).await.unwrap();
        file.execute(&format!("UPDATE cqrs_snapshots SET {damage}"), []).unwrap();
        assert_eq!(store.load(std::slice::from_ref(&snapshot.key)).await.unwrap(), [None], "{damage}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    let text = "orders: none yet\n".repeat(500);
    std::fs::write(&path, &text).unwrap();
    let error = refusal(&path).await;
    assert!(matches!(error, OpenError::NotADatabase(_)), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string(), "Debug is the same as Display");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_path_that_names_no_file_is_refused() {
    assert!(matches!(refusal(":memory:").await, OpenError::NoFile(_)));
    assert!(matches!(refusal("").await, OpenError::NoFile(_)));
    let (folder, _) = folder();
    assert!(matches!(refusal(folder.path().join("not/there.db")).await, OpenError::NoFolder(_)));
    assert!(matches!(refusal(folder.path()).await, OpenError::Failed { .. }), "a folder is not a file");
}

#[tokio::test]
async fn a_uri_is_refused_after_a_folder_too() {
    for uri in [
        "file::memory:?cache=shared",
        "file:shop.db",
        "FILE:shop.db?mode=ro&key=secret",
        "sqlite::memory:",
        "sqlite://shop.db",
    ] {
        let error = refusal(uri).await;
        assert!(matches!(&error, OpenError::Uri { .. }), "{uri}: {error}");
        assert!(error.to_string().contains("SqliteLog::builder") && !error.to_string().contains("secret"), "{error}");
        let views = cqrs_sqlite::SqliteViews::open(uri).await.expect_err("views refuse it too");
        assert!(matches!(views, OpenError::Uri { .. }), "{uri}: {views}");
        assert!(!Path::new(uri).exists(), "no file of that name is created");
    }
    let (folder, _) = folder();
    for uri in ["file:shop.db", "file::memory:?cache=shared&key=secret"] {
        let joined = folder.path().join(uri);
        let error = refusal(&joined).await;
        assert!(matches!(&error, OpenError::Uri { .. }) && !error.to_string().contains("secret"), "{error}");
        assert!(!joined.exists(), "no file of that name is created");
    }
}

#[tokio::test]
async fn foreign_tables_with_reserved_names_are_refused() {
    let (_folder, path) = folder();
    Connection::open(&path).unwrap().execute("CREATE TABLE cqrs_events (x)", []).unwrap();
    let error = refusal(&path).await;
    assert!(matches!(&error, OpenError::Foreign { table, .. } if table == "cqrs_events"), "{error:?}");
}

#[tokio::test]
async fn the_applications_own_tables_and_versions_are_left_alone() {
    let (_folder, path) = folder();
    let tables = Connection::open(&path).unwrap();
    tables.execute_batch("PRAGMA user_version = 42; PRAGMA application_id = 4711; CREATE TABLE stock (x)").unwrap();
    drop(tables);
    append(&SqliteLog::open(&path).await.unwrap(), "order:1", "1").await.unwrap();
    let tables = Connection::open(&path).unwrap();
    let pragma = |name: &str| tables.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((pragma("user_version"), pragma("application_id")), (42, 4711));
    assert_eq!(tables.query_row("SELECT count(*) FROM stock", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_can_be_opened_by_many_at_once() {
    for _ in 0..5 {
        let (_folder, path) = folder();
        let opening: Vec<_> = (0..8).map(|_| tokio::spawn(SqliteLog::open(path.clone()))).collect();
        for (log, number) in opening.into_iter().zip(1_u64..) {
            let log = log.await.unwrap().unwrap();
            assert_eq!(append(&log, "order:1", "1").await.unwrap(), number);
        }
    }
}

#[tokio::test]
async fn a_damaged_event_is_an_error_that_says_which() {
    let (folder, log) = log().await;
    append(&log, "order:1", "1").await.unwrap();
    append(&log, "order:1", "2").await.unwrap();
    let file = Connection::open(folder.path().join("log.db")).unwrap();
    file.execute("UPDATE cqrs_events SET meta = '{}' WHERE position = 2", []).unwrap();
    let error = log.read(&EventQuery::all(), 0.into(), 10).await.unwrap_err();
    assert!(matches!(&error, StoreError::Failed { reason, .. } if reason.contains("position 2")), "{error}");
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_frees_the_lock() {
    let (folder, log) = log().await;
    let other = SqliteLog::open(folder.path().join("log.db")).await.unwrap();
    let mut tx = log.begin().await.unwrap();
    stage(&mut *tx, "order:1", "gone").await.unwrap();
    drop(tx);
    assert_eq!(append(&other, "order:1", "kept").await.unwrap(), 1);
    assert_eq!(all(&log).await, ["kept"]);
}

#[tokio::test]
async fn positions_with_a_gap_are_refused() {
    let (_folder, log) = log().await;
    let mut tx = log.begin().await.unwrap();
    let error = tx.append(&[crate::support::event(3.into(), "order:1", "{}")], &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error}");
}

#[tokio::test]
async fn waiting_too_long_for_the_lock_is_an_error() {
    let (folder, log) = log().await;
    let path = folder.path().join("log.db");
    let hasty = SqliteLog::builder(&path).lock_timeout(Duration::from_millis(50)).open().await.unwrap();
    let tx = log.begin().await.unwrap();
    let error = hasty.begin().await.err().unwrap();
    assert!(matches!(&error, StoreError::Unavailable { reason, .. } if reason.contains("another process")), "{error}");
    drop(tx);
    let _tx = hasty.begin().await.unwrap();
    let error = hasty.begin().await.err().unwrap();
    assert!(matches!(&error, StoreError::Unavailable { reason, .. } if reason.contains("this process")), "{error}");
}

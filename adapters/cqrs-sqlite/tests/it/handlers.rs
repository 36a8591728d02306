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
async fn a_handlers_writes_are_committed_with_its_events() {
    let (_folder, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    handlers(&mut *tx).execute("INSERT INTO stock VALUES (?1, ?2)", ("pear", 3)).unwrap();
    stage(&mut *tx, "order:1", "2").await.unwrap();
    assert!(pieces(&log).await.is_empty(), "nothing is visible before the commit");
    tx.commit().await.unwrap();
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![3], 2));

    let mut tx = log.begin().await.unwrap();
    handlers(&mut *tx).execute("UPDATE stock SET pieces = 0", []).unwrap();
    stage(&mut *tx, "order:1", "3").await.unwrap();
    drop(tx);
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![3], 2));
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table of statements")]
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
        "PRAGMA foreign_keys(OFF)",
        "PRAGMA user_version = 7",
        "PRAGMA page_size = 512",
        "PRAGMA cache_size = 1",
        "PRAGMA query_only = ON",
        "PRAGMA optimize",
        "PRAGMA incremental_vacuum",
        "PRAGMA wal_autocheckpoint = 1",
        "PRAGMA locking_mode = EXCLUSIVE",
        "VACUUM",
        "BEGIN IMMEDIATE",
        "ROLLBACK TO cqrs_1",
        "CREATE VIRTUAL TABLE cqrs_text USING fts5(x)",
        "CREATE VIRTUAL TABLE cqrs USING fts5(x)",
        "WITH old AS (SELECT 1 AS p) DELETE FROM cqrs_events WHERE position IN (SELECT p FROM old)",
        "INSERT INTO cqrs_commands SELECT 'a', 'b', 1, 1, 'null', NULL, NULL",
        "REPLACE INTO cqrs_events SELECT * FROM cqrs_events",
        "UPDATE sqlite_schema SET sql = NULL",
        "CREATE VIEW facts AS SELECT * FROM cqrs_events; CREATE TRIGGER sly INSTEAD OF DELETE ON facts BEGIN DELETE FROM cqrs_events \
         WHERE position = old.position; END; DELETE FROM facts",
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
        assert!(error.is_some(), "`{sql}` was allowed");
    }
    // Creating a trigger is allowed; firing it is not.
    handlers(&mut *tx).execute_batch("DROP VIEW facts; DROP TRIGGER IF EXISTS sly").unwrap();
    let allowed = [
        "SELECT count(*) FROM cqrs_events",
        "SAVEPOINT mine; INSERT INTO stock VALUES ('fig', 1); ROLLBACK TO mine; RELEASE mine",
        "INSERT INTO stock VALUES ('pear', 3)",
        "CREATE TABLE parcels (x); CREATE INDEX parcels_x ON parcels (x); DROP TABLE parcels",
        "PRAGMA table_info(stock)",
        "SELECT name FROM pragma_table_xinfo('stock')",
        "PRAGMA data_version",
        "PRAGMA user_version",
        "PRAGMA integrity_check",
        "PRAGMA defer_foreign_keys = ON",
        "CREATE VIRTUAL TABLE texts USING fts5(title, body); INSERT INTO texts VALUES ('one', 'an apple'), ('two', 'a pear');
         UPDATE texts SET body = 'a plum' WHERE title = 'one'; DELETE FROM texts WHERE texts MATCH 'pear';
         INSERT INTO texts (texts) VALUES ('optimize'); INSERT INTO texts (texts, rank) VALUES ('merge', 16);
         INSERT INTO texts (texts) VALUES ('rebuild'); INSERT INTO texts (texts) VALUES ('integrity-check');
         SELECT highlight(texts, 1, '<', '>'), snippet(texts, 1, '<', '>', '..', 5), bm25(texts)
         FROM texts WHERE texts MATCH 'pl*' ORDER BY rank",
        "CREATE VIRTUAL TABLE words USING fts5vocab(texts, row); SELECT term FROM words",
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, text TEXT);
         CREATE VIRTUAL TABLE pages_text USING fts5(text, content='pages', content_rowid='id');
         CREATE TRIGGER pages_new AFTER INSERT ON pages BEGIN INSERT INTO pages_text (rowid, text) VALUES (new.id, new.text); END;
         INSERT INTO pages (text) VALUES ('a fig'); SELECT rowid FROM pages_text('fig')",
        "CREATE VIRTUAL TABLE old_texts USING fts4(body); INSERT INTO old_texts VALUES ('an apple');
         SELECT docid FROM old_texts WHERE body MATCH 'apple'; INSERT INTO old_texts (old_texts) VALUES ('optimize')",
        "CREATE VIRTUAL TABLE places USING rtree(id, x0, x1, y0, y1); INSERT INTO places VALUES (1, 0, 1, 0, 1);
         SELECT id FROM places WHERE x0 < 1; DELETE FROM places",
        "SELECT value FROM json_each('[1,2]'); SELECT fullkey FROM json_tree('{\"a\":[1]}'); SELECT json_group_array(pieces) FROM stock",
        "CREATE TABLE sums (a INTEGER, b INTEGER, c INTEGER GENERATED ALWAYS AS (a + b) STORED, d AS (a * b) VIRTUAL);
         CREATE INDEX sums_d ON sums (d); INSERT INTO sums (a, b) VALUES (1, 2) RETURNING c, d",
        "CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, x); INSERT INTO numbered (x) VALUES (1)",
        "CREATE VIEW facts AS SELECT position, data FROM cqrs_events; SELECT * FROM facts",
        "CREATE VIEW both AS SELECT product FROM stock;
         CREATE TRIGGER both_new INSTEAD OF INSERT ON both BEGIN INSERT INTO stock VALUES (new.product, 1); END;
         INSERT INTO both VALUES ('kiwi'); DELETE FROM stock WHERE product = 'kiwi'",
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5) INSERT INTO sums (a, b) SELECT n, n FROM n",
        "INSERT INTO stock VALUES ('pear', 4) ON CONFLICT (product) DO UPDATE SET pieces = 3",
        "ANALYZE; ANALYZE stock; REINDEX stock",
        "CREATE TEMP TABLE work AS SELECT * FROM stock; CREATE TEMP TRIGGER work_gone AFTER DELETE ON work BEGIN SELECT 1; END;
         CREATE TEMP VIEW seen AS SELECT * FROM work; CREATE VIRTUAL TABLE temp.found USING fts5(x); DELETE FROM work",
        "EXPLAIN QUERY PLAN SELECT * FROM stock",
    ];
    for sql in allowed {
        let error = handlers(&mut *tx).execute_batch(sql).err();
        assert!(error.is_none() || matches!(error, Some(Error::ExecuteReturnedResults)), "`{sql}`: {error:?}");
    }
    tx.commit().await.unwrap();
    assert_eq!((pieces(&log).await, all(&log).await), (vec![3], vec!["1".into(), "2".into()]));

    let reader = reader(&log).await;
    for sql in [
        "SELECT body FROM texts WHERE texts MATCH 'plum' ORDER BY rank",
        "SELECT docid FROM old_texts WHERE body MATCH 'apple'",
        "SELECT rowid FROM pages_text('fig')",
        "SELECT term FROM words",
        "SELECT id FROM places WHERE x0 < 1",
        "SELECT value FROM json_each('[1,2]')",
        "SELECT sum(c), sum(d) FROM sums",
        "SELECT * FROM facts",
        "SELECT * FROM sqlite_stat1",
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5) SELECT n FROM n",
        "PRAGMA data_version",
        "PRAGMA table_info(stock)",
        "EXPLAIN QUERY PLAN SELECT * FROM stock",
        "BEGIN; SELECT 1; SAVEPOINT a; RELEASE a; COMMIT",
    ] {
        let error = reader.execute_batch(sql).err();
        assert!(error.is_none() || matches!(error, Some(Error::ExecuteReturnedResults)), "`{sql}`: {error:?}");
    }
    let found: String =
        reader.query_row("SELECT body FROM texts WHERE texts MATCH 'plum'", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "a plum");
    for sql in [
        "INSERT INTO texts VALUES ('three', 'a kiwi')",
        "INSERT INTO texts (texts) VALUES ('rebuild')",
        "DELETE FROM places",
        "INSERT INTO both VALUES ('kiwi')",
        "CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, texts, row)",
        "ANALYZE",
        "REINDEX",
        "DROP TABLE texts",
        "ALTER TABLE stock ADD COLUMN more TEXT",
    ] {
        assert!(reader.execute_batch(sql).is_err(), "`{sql}` was allowed");
    }
}

#[tokio::test]
async fn a_handler_finds_no_temporary_tables_of_another() {
    let (_folder, log) = with_stock().await;
    for _ in 0..2 {
        for commits in [true, false] {
            let mut tx = log.begin().await.unwrap();
            let handler = handlers(&mut *tx);
            let sql = "CREATE TEMP TABLE work (x); CREATE INDEX temp.work_x ON work (x); CREATE TEMP VIEW seen AS SELECT x FROM work;
                       CREATE TEMP TRIGGER noted AFTER INSERT ON stock BEGIN INSERT INTO work VALUES (1); END;
                       CREATE VIRTUAL TABLE temp.found USING fts5(x); INSERT INTO found VALUES ('a')";
            handler.execute_batch(sql).unwrap();
            if commits {
                stage(&mut *tx, "order:1", "2").await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    }
    let mut tx = log.begin().await.unwrap();
    let left: i64 =
        handlers(&mut *tx).query_row("SELECT count(*) FROM temp.sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_handler_gets_none_of_the_frameworks_prepared_statements() {
    let (_folder, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    // The same text as this crate's own `COMMIT`, which an earlier commit has left in the cache.
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
    // The transaction has ended: each statement would commit by itself.
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
    let (folder, log) = with_stock().await;
    let reader = reader(&log).await;
    let vacuum = format!("VACUUM INTO '{}'", folder.path().join("copy.db").display());
    for sql in [
        "INSERT INTO stock VALUES ('pear', 3)",
        "DELETE FROM cqrs_events",
        "CREATE TABLE mine (x)",
        "CREATE TEMP TABLE mine (x)",
        "PRAGMA query_only = OFF; INSERT INTO stock VALUES ('pear', 3)",
        "PRAGMA user_version = 7",
        "ATTACH ':memory:' AS other",
        "ATTACH 'file:mine.db?mode=rwc' AS other",
        "DETACH main",
        "VACUUM",
        &vacuum,
        "PRAGMA journal_mode = DELETE",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA cache_size = 1",
        "PRAGMA temp_store = FILE",
        "PRAGMA defer_foreign_keys = ON",
        "PRAGMA data_version = 7",
        "SELECT load_extension('mine')",
        "CREATE VIRTUAL TABLE mine USING fts5(x)",
        "WITH one AS (SELECT 1) DELETE FROM stock",
        "INSERT INTO stock VALUES ('pear', 3) RETURNING pieces",
    ] {
        let _ = reader.execute_batch("ROLLBACK");
        assert!(reader.execute_batch(sql).is_err(), "`{sql}` was allowed");
    }
    let text = "INSERT INTO stock VALUES ('pear', 3)";
    let code = reader.execute(text, []).unwrap_err().sqlite_error_code();
    assert_eq!(code, Some(ErrorCode::ReadOnly), "the database refuses it");
    drop(reader);
    assert!(pieces(&log).await.is_empty());
}

#[tokio::test]
async fn a_returned_reader_is_reset() {
    let (folder, _) = with_stock().await;
    let log = SqliteLog::builder(folder.path().join("log.db")).readers(1).open().await.unwrap();
    let left_open = reader(&log).await;
    left_open.execute_batch("BEGIN; SELECT count(*) FROM cqrs_events").ok();
    assert!(!left_open.is_autocommit());
    drop(left_open);
    append(&log, "order:1", "2").await.unwrap();
    assert_eq!(log.head().await.unwrap(), 2, "the next reader sees the current state");
    // There is one connection: a second reader has to wait for it.
    let held = reader(&log).await;
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), log.head()).await;
    assert!(waiting.is_err());
    drop(held);
    assert_eq!(log.head().await.unwrap(), 2);
}

//! What a handler can and cannot do through `Tx<Postgres>` and `Reader<Postgres>`.

use std::time::Duration;

use cqrs_postgres::tokio_postgres::error::SqlState;
use cqrs_postgres::{Postgres, PostgresLog, PostgresReader, SqlError};
use cqrs_runtime::log::{LogTransaction, StoreError};
use cqrs_runtime::{EventLog, Tx};
use cqrs_test_servers::Database;

use crate::support::{all, append, builder, client, database, log, number, stage};

fn handlers(tx: &mut dyn LogTransaction) -> &mut Tx<Postgres> {
    tx.database().unwrap().downcast_mut().unwrap()
}

const STOCK: &str = "CREATE TABLE stock (product TEXT PRIMARY KEY, pieces bigint NOT NULL)";

async fn with_stock() -> (Database, PostgresLog) {
    let (database, log) = log().await;
    client(database.url()).await.batch_execute(STOCK).await.unwrap();
    append(&log, "order:1", "1").await.unwrap();
    (database, log)
}

async fn reader(log: &PostgresLog) -> PostgresReader {
    *log.views().unwrap().reader().await.unwrap().downcast().unwrap()
}

async fn pieces(log: &PostgresLog) -> Vec<i64> {
    let rows = reader(log).await.query("SELECT pieces FROM stock ORDER BY product", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_handlers_writes_are_committed_with_its_events() {
    let (_database, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    let insert = handlers(&mut *tx).prepare("INSERT INTO stock VALUES ($1, $2)").await.unwrap();
    assert_eq!(handlers(&mut *tx).execute(&insert, &[&"pear", &3_i64]).await.unwrap(), 1);
    stage(&mut *tx, "order:1", "2").await.unwrap();
    assert!(pieces(&log).await.is_empty(), "nothing is visible before the commit");
    tx.commit().await.unwrap();
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![3], 2));

    let mut tx = log.begin().await.unwrap();
    handlers(&mut *tx).execute("UPDATE stock SET pieces = 0", &[]).await.unwrap();
    stage(&mut *tx, "order:1", "3").await.unwrap();
    drop(tx);
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![3], 2));

    // Also without any event.
    let mut tx = log.begin().await.unwrap();
    handlers(&mut *tx).execute("UPDATE stock SET pieces = 4", &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![4], 2));
}

#[tokio::test]
async fn a_handler_cannot_end_the_transaction() {
    let (_database, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    stage(&mut *tx, "order:1", "2").await.unwrap();
    let handler = handlers(&mut *tx);
    handler.execute("INSERT INTO stock VALUES ('pear', 3)", &[]).await.unwrap();
    for sql in
        ["COMMIT", "ROLLBACK", "/* x */ end", "BEGIN", "DISCARD ALL", "PREPARE TRANSACTION 'x'", "ROLLBACK TO cqrs_1"]
    {
        let refusals = [
            handler.execute(sql, &[]).await.err(),
            handler.query(sql, &[]).await.err(),
            handler.query_one(sql, &[]).await.err(),
            handler.query_opt(sql, &[]).await.err(),
            handler.query_typed(sql, &[]).await.err(),
            handler.prepare(sql).await.err(),
            handler.prepare_typed(sql, &[]).await.err(),
            handler.batch_execute(&format!("SELECT 1; {sql}")).await.err(),
        ];
        for refusal in refusals {
            assert!(matches!(refusal, Some(SqlError::Refused(_))), "`{sql}`: {refusal:?}");
        }
    }
    assert!(pieces(&log).await.is_empty(), "nothing was committed");
    let savepoints = "SAVEPOINT mine; INSERT INTO stock VALUES ('fig', 1); ROLLBACK TO mine; RELEASE mine";
    handlers(&mut *tx).batch_execute(savepoints).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((pieces(&log).await, all(&log).await), (vec![3], vec!["1".into(), "2".into()]));
}

#[tokio::test]
async fn the_server_itself_refuses_a_commit_inside_a_block_or_a_procedure() {
    let (database, log) = with_stock().await;
    let procedure = "CREATE PROCEDURE sly() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$";
    client(database.url()).await.batch_execute(procedure).await.unwrap();
    for sql in ["CALL sly()", "DO $$ BEGIN COMMIT; END $$"] {
        let mut tx = log.begin().await.unwrap();
        let handler = handlers(&mut *tx);
        handler.execute("INSERT INTO stock VALUES ('pear', 3)", &[]).await.unwrap();
        let error = handler.batch_execute(sql).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INVALID_TRANSACTION_TERMINATION), "{error}");
        let _ = stage(&mut *tx, "order:1", "2").await;
        let error = tx.commit().await.unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    }
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![], 1));
}

#[tokio::test]
async fn a_failed_statement_aborts_the_transaction_unless_a_savepoint_precedes_it() {
    let (_database, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    let handler = handlers(&mut *tx);
    handler.execute("INSERT INTO stock VALUES ('pear', 3)", &[]).await.unwrap();
    handler.batch_execute("SAVEPOINT mine").await.unwrap();
    let error = handler.execute("INSERT INTO stock VALUES ('pear', 3)", &[]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::UNIQUE_VIOLATION), "{error}");
    handler.batch_execute("ROLLBACK TO mine").await.unwrap();
    stage(&mut *tx, "order:1", "2").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![3], 2));

    let mut tx = log.begin().await.unwrap();
    handlers(&mut *tx).execute("INSERT INTO stock VALUES ('plum', 1)", &[]).await.unwrap();
    handlers(&mut *tx).execute("INSERT INTO stock VALUES ('pear', 3)", &[]).await.unwrap_err();
    stage(&mut *tx, "order:1", "3").await.unwrap();
    let error = tx.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![3], 2));
    assert_eq!(append(&log, "order:1", "3").await.unwrap(), 3, "the log goes on");
}

#[tokio::test]
async fn a_handler_leaves_nothing_in_the_session() {
    let (_database, log) = with_stock().await;
    let mut tx = log.begin().await.unwrap();
    let sql = "SET lock_timeout = 77; SET synchronous_commit = off; SET search_path = nowhere; CREATE TEMP TABLE mine (x int); \
               SELECT pg_advisory_lock(7); LISTEN mine";
    handlers(&mut *tx).batch_execute(sql).await.unwrap();
    stage(&mut *tx, "order:1", "2").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = log.begin().await.unwrap();
    let left = "SELECT current_setting('lock_timeout') || current_setting('synchronous_commit')
                    || current_setting('search_path') || (SELECT count(*) FROM pg_listening_channels())
                    || coalesce(to_regclass('pg_temp.mine')::text, '')
                    || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = 7)";
    let left: String = handlers(&mut *tx).query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, "30son\"$user\", public00");
}

#[tokio::test]
async fn a_readers_connection_cannot_write() {
    let (database, log) = with_stock().await;
    let functions =
        "CREATE FUNCTION write_stock() RETURNS void LANGUAGE sql AS $$ INSERT INTO stock VALUES ('pear', 3) $$;
                     CREATE PROCEDURE insert_stock() LANGUAGE sql AS $$ INSERT INTO stock VALUES ('pear', 3) $$;
                     CREATE MATERIALIZED VIEW stocks AS SELECT * FROM stock";
    client(database.url()).await.batch_execute(functions).await.unwrap();
    for sql in [
        "INSERT INTO stock VALUES ('pear', 3)",
        "DELETE FROM cqrs_events",
        "CREATE TABLE mine (x int)",
        "SELECT nextval('s')",
        "SET default_transaction_read_only = off; INSERT INTO stock VALUES ('pear', 3)",
        "SET TRANSACTION READ WRITE; INSERT INTO stock VALUES ('pear', 3)",
        "SELECT set_config('transaction_read_only', 'off', false); INSERT INTO stock VALUES ('pear', 3)",
        "SAVEPOINT a; SET TRANSACTION READ WRITE; INSERT INTO stock VALUES ('pear', 3)",
        "COMMIT; SET default_transaction_read_only = off; INSERT INTO stock VALUES ('pear', 3)",
        "SET default_transaction_read_only = off; COMMIT AND CHAIN; INSERT INTO stock VALUES ('pear', 3)",
        "DO $$ BEGIN INSERT INTO stock VALUES ('pear', 3); END $$",
        "DO $$ BEGIN COMMIT; SET TRANSACTION READ WRITE; INSERT INTO stock VALUES ('pear', 3); END $$",
        "COPY stock FROM PROGRAM 'echo pear'",
        "COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'",
        "WITH new AS (INSERT INTO stock VALUES ('pear', 3) RETURNING 1) SELECT * FROM new",
        "SELECT * FROM stock FOR UPDATE",
        "EXPLAIN ANALYZE INSERT INTO stock VALUES ('pear', 3)",
        "SELECT write_stock()",
        "CALL insert_stock()",
        "CREATE TEMP TABLE work (x int); DROP TABLE stock",
        "TRUNCATE stock",
        "REFRESH MATERIALIZED VIEW stocks",
        "PREPARE sly AS INSERT INTO stock VALUES ('pear', 3); EXECUTE sly",
        r"SET standard_conforming_strings = off; SELECT '\'';COMMIT; SET default_transaction_read_only = off;--'; INSERT INTO stock VALUES ('pear', 3)",
    ] {
        let error = reader(&log).await.batch_execute(sql).await;
        assert!(error.is_err(), "`{sql}` was allowed");
        // Several statements in turn cannot either.
        let reader = reader(&log).await;
        for part in sql.split("; ") {
            let _ = reader.execute(part, &[]).await;
        }
    }
    let refused = reader(&log).await.execute("INSERT INTO stock VALUES ('pear', 3)", &[]).await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION), "the database refuses it");
    let client = client(database.url()).await;
    assert_eq!(number(&client, "SELECT count(*) FROM stock").await, 0);
}

#[tokio::test]
async fn a_handler_may_use_statements_that_do_not_end_the_transaction() {
    let (_database, log) = with_stock().await;
    let both = [
        "SELECT * FROM json_each('{\"a\": 1}'); SELECT * FROM generate_series(1, 3)",
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5) SELECT n FROM n",
        "DECLARE mine CURSOR FOR SELECT * FROM stock; FETCH ALL FROM mine; CLOSE mine",
        "SAVEPOINT mine; SELECT 1; ROLLBACK TO SAVEPOINT mine; RELEASE mine",
        "SET LOCAL work_mem = '64MB'; SET search_path = nowhere; RESET search_path; SHOW work_mem",
        "SELECT pg_advisory_lock(7), pg_advisory_xact_lock(8), pg_advisory_unlock_all()",
        "DO $$ BEGIN PERFORM 1; END $$",
        "LISTEN mine; UNLISTEN mine",
        "EXPLAIN SELECT * FROM stock",
        "SELECT count(*) FROM cqrs_events",
    ];
    for sql in both {
        reader(&log).await.batch_execute(sql).await.unwrap_or_else(|error| panic!("`{sql}`: {error}"));
    }
    let mut tx = log.begin().await.unwrap();
    let writes = [
        "CREATE TABLE sums (a int, b int, c int GENERATED ALWAYS AS (a + b) STORED, t tsvector GENERATED ALWAYS AS (to_tsvector('simple', \
         coalesce(a::text, ''))) STORED); CREATE INDEX ON sums USING gin (t); INSERT INTO sums SELECT n, n FROM generate_series(1, 9) n",
        "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO sums VALUES (0, 0); RETURN NULL; END $$;
         CREATE TRIGGER noted AFTER INSERT ON stock FOR EACH ROW EXECUTE FUNCTION noted(); INSERT INTO stock VALUES ('fig', 1);
         DROP TRIGGER noted ON stock; DELETE FROM stock",
        "CREATE VIEW kinds AS SELECT product FROM stock; CREATE MATERIALIZED VIEW totals AS SELECT sum(c) FROM sums; \
         REFRESH MATERIALIZED VIEW totals",
        "CREATE TEMP TABLE work (x int) ON COMMIT DROP; INSERT INTO work VALUES (1); ANALYZE work; ANALYZE stock",
        "WITH new AS (INSERT INTO stock VALUES ('pear', 3) RETURNING *) UPDATE sums SET b = 1 FROM new",
        "INSERT INTO stock VALUES ('pear', 4) ON CONFLICT (product) DO UPDATE SET pieces = 3",
        "SET CONSTRAINTS ALL DEFERRED; NOTIFY mine; LOCK TABLE stock",
        "SAVEPOINT mine; DELETE FROM stock; ROLLBACK TO mine",
    ];
    for sql in both.into_iter().chain(writes) {
        let ran = handlers(&mut *tx).batch_execute(sql).await;
        ran.unwrap_or_else(|error| panic!("`{sql}`: {error}"));
    }
    for sql in ["COPY stock FROM STDIN", "COPY stock TO STDOUT", "PREPARE mine AS SELECT 1", "DEALLOCATE ALL"] {
        let error = handlers(&mut *tx).batch_execute(sql).await.unwrap_err();
        assert!(matches!(error, SqlError::OfTheSession(_)), "`{sql}`: {error}");
    }
    stage(&mut *tx, "order:1", "2").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((pieces(&log).await, all(&log).await.len()), (vec![3], 2));
}

#[tokio::test]
async fn a_returned_reader_is_reset() {
    let database = database();
    let log = builder(&database).readers(1).open().await.unwrap();
    let left = reader(&log).await;
    left.batch_execute("SET default_transaction_read_only = off; SET search_path = nowhere; SAVEPOINT a")
        .await
        .unwrap();
    left.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
    drop(left);
    append(&log, "order:1", "1").await.unwrap();
    assert_eq!(log.head().await.unwrap(), 1, "the next reader sees the current state");
    let next = reader(&log).await;
    let sql = "SELECT current_setting('default_transaction_read_only') || current_setting('search_path')
                   || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())";
    let setting: String = next.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(setting, "on\"$user\", public0");
    // There is one connection: a second reader has to wait for it.
    assert!(futures_now(log.head()).is_none());
    drop(next);
    assert_eq!(log.head().await.unwrap(), 1);
}

/// The result of a future that is ready at once.
fn futures_now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_dropped_query_blocks_no_later_reader() {
    let (_database, log) = with_stock().await;
    for _ in 0..4 {
        let reader = reader(&log).await;
        let sleep = reader.prepare("SELECT pg_sleep(60)").await.unwrap();
        assert!(futures_now(reader.query(&sleep, &[])).is_none());
    }
    let head = tokio::time::timeout(Duration::from_secs(20), log.head()).await;
    assert_eq!(head.expect("nothing blocks it").unwrap(), 1);
}

#[tokio::test]
async fn a_dropped_statement_blocks_no_later_command() {
    let (_database, log) = with_stock().await;
    for number in 2..4 {
        let mut tx = log.begin().await.unwrap();
        let handler = handlers(&mut *tx);
        handler.execute("INSERT INTO stock VALUES ('pear', 3)", &[]).await.unwrap();
        let sleep = handler.prepare("SELECT pg_sleep(60)").await.unwrap();
        assert!(futures_now(handler.query(&sleep, &[])).is_none());
        drop(tx);
        let appended = tokio::time::timeout(Duration::from_secs(20), append(&log, "order:1", "{}")).await;
        assert_eq!(appended.expect("nothing blocks it").unwrap(), number);
    }
    assert!(pieces(&log).await.is_empty());
}

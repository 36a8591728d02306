//! Opening a database, and refusing what cannot be opened.

use cqrs_postgres::{OpenError, Postgres, PostgresLog};
use cqrs_runtime::log::StoreError;
use cqrs_runtime::{EventLog, Tx};

use crate::support::{all, append, builder, client, database, number};

#[tokio::test]
async fn stored_events_survive_reopening() {
    let database = database();
    for number in 1..4 {
        let log = builder(&database).open().await.unwrap();
        append(&log, "order:1", &number.to_string()).await.unwrap();
        assert_eq!(all(&log).await.len(), number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_create_the_tables_at_once() {
    let database = database();
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let builder = builder(&database).schema("Neue \"Größe\"; --");
            tokio::spawn(async move { builder.open().await })
        })
        .collect();
    for (number, opened) in (1..).zip(opening) {
        let log = opened.await.unwrap().unwrap();
        assert_eq!(append(&log, "order:1", "{}").await.unwrap(), number);
    }
}

#[tokio::test]
async fn each_schema_has_a_log_and_a_lock_of_its_own() {
    let database = database();
    let (a, b) = (builder(&database).schema("a"), builder(&database).schema("b"));
    let (a, b) = (a.open().await.unwrap(), b.open().await.unwrap());
    let mut tx = a.begin().await.unwrap();
    assert_eq!(append(&b, "order:1", "b").await.unwrap(), 1, "the locks of `a` and `b` differ");
    crate::support::stage(&mut *tx, "order:1", "a").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((all(&a).await, all(&b).await), (vec!["a".to_owned()], vec!["b".to_owned()]));
}

#[tokio::test]
async fn the_search_path_does_not_matter() {
    let database = database();
    let sql = format!(
        "CREATE SCHEMA trap; CREATE TABLE trap.cqrs_events (position text); \
         ALTER DATABASE {} SET search_path = trap",
        database.url().rsplit('/').next().unwrap()
    );
    client(database.url()).await.batch_execute(&sql).await.unwrap();
    let log = builder(&database).open().await.unwrap();
    assert_eq!(append(&log, "order:1", "1").await.unwrap(), 1);
    assert_eq!(all(&log).await, ["1"]);
}

#[tokio::test]
async fn a_commit_waits_for_the_disk_with_any_default_of_the_server() {
    for (default, kept) in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")] {
        let database = database();
        let name = database.url().rsplit('/').next().unwrap();
        let sql = format!("ALTER DATABASE {name} SET synchronous_commit = {default}");
        client(database.url()).await.batch_execute(&sql).await.unwrap();
        let log = builder(&database).open().await.unwrap();
        // The second time, a handler has used the session.
        for _ in 0..2 {
            let mut tx = log.begin().await.unwrap();
            let handler: &mut Tx<Postgres> = tx.database().unwrap().downcast_mut().unwrap();
            let row = handler.query_one("SELECT current_setting('synchronous_commit')", &[]).await.unwrap();
            assert_eq!(row.get::<_, String>(0), kept);
            handler.batch_execute("SET synchronous_commit = off").await.unwrap();
        }
    }
}

#[tokio::test]
async fn tables_of_others_are_left_alone() {
    for table in ["cqrs_events", "cqrs_other", "cqrs_schema"] {
        let database = database();
        let client = client(database.url()).await;
        client.batch_execute(&format!("CREATE TABLE {table} (x int); INSERT INTO {table} VALUES (7)")).await.unwrap();
        let error = builder(&database).open().await.unwrap_err();
        assert!(matches!(&error, OpenError::Foreign { table: found, .. } if found == table), "{error}");
        assert_eq!(format!("{error:?}"), error.to_string(), "Debug is the same as Display");
        assert_eq!(number(&client, &format!("SELECT x::bigint FROM {table}")).await, 7);
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (database, log) = crate::support::log().await;
    drop(log);
    client(database.url()).await.batch_execute("UPDATE cqrs_schema SET version = 99").await.unwrap();
    let error = builder(&database).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_the_first_version_is_migrated_by_the_first_to_open_it() {
    let (database, log) = crate::support::log().await;
    append(&log, "order:1", "1").await.unwrap();
    drop(log);
    let client = client(database.url()).await;
    client
        .batch_execute(
            "DROP TABLE cqrs_snapshots;
             ALTER TABLE cqrs_commands DROP COLUMN long_id, DROP COLUMN content, DROP COLUMN recorded_at;
             ALTER TABLE cqrs_leases DROP COLUMN length; ALTER TABLE cqrs_checkpoints DROP COLUMN event; DROP TABLE cqrs_names;
             UPDATE cqrs_schema SET version = 1",
        )
        .await
        .unwrap();
    let opening: Vec<_> = (0..4).map(|_| tokio::spawn(builder(&database).open())).collect();
    for opened in opening {
        assert_eq!(all(&opened.await.unwrap().unwrap()).await, ["1"], "the existing table stays");
    }
    assert_eq!(number(&client, "SELECT sum(version)::bigint FROM cqrs_schema").await, 5);
    let log = builder(&database).open().await.unwrap();
    cqrs_conformance::snapshots::every_field_comes_back(&log).await;
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    let server = cqrs_test_servers::Postgres::shared();
    let version = "SELECT current_setting('server_version_num')::bigint";
    let is_new = number(&client(&server.url("postgres")).await, version).await >= 150_000;
    let provider = if is_new { "LOCALE_PROVIDER libc" } else { "" };
    let latin = server.database_with(&format!("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0 {provider}"));
    let error = builder(&latin).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::Encoding { found, .. } if found == "LATIN1"), "{error}");
}

#[tokio::test]
async fn a_database_that_cannot_be_a_log_is_refused() {
    let database = database();
    for schema in ["", "pg_mine", "a\0b", &"x".repeat(64)] {
        let error = builder(&database).schema(schema).open().await.unwrap_err();
        assert!(matches!(error, OpenError::Schema(_)), "{error}");
    }
    for url in ["", "http://x", "postgres:///x"] {
        let error = PostgresLog::open(url).await.unwrap_err();
        assert!(matches!(error, OpenError::Url(_)), "`{url}`: {error}");
    }
    let error = PostgresLog::open("postgres://postgres:secret@127.0.0.1:1/x").await.unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::Unavailable { .. })), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let missing = format!("{}_missing", database.url());
    let error = PostgresLog::open(&missing).await.unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
    let required = format!("{}?sslmode=require", database.url());
    let error = PostgresLog::open(&required).await.unwrap_err();
    assert!(error.to_string().contains("TLS"), "{error}");
}

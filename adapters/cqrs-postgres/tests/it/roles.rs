//! Roles with minimal rights.

use cqrs_conformance::views::{self, Site};
use cqrs_postgres::tokio_postgres::error::SqlState;
use cqrs_postgres::{OpenError, Postgres, PostgresReader};
use cqrs_runtime::log::{Declaration, EventLog, NameKind};
use cqrs_runtime::view::ViewShape;
use cqrs_runtime::{Timestamp, Tx};

use crate::support::{append, builder, client, database};

const VIEW: ViewShape =
    ViewShape { name: "Thing", key: "thing", indexes: &[], multi_indexes: &[], compounds: &[], fingerprint: 1 };

/// Runs a script as `psql` would.
fn script(text: &str, writer: &str, reader: &str) -> String {
    text.replace(":\"schema\"", "shop").replace(":\"writer\"", writer).replace(":\"reader\"", reader)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_can_only_add_and_a_reader_only_read() {
    let database = database();
    drop(builder(&database).schema("shop").open().await.unwrap());
    let name = database.url().rsplit('/').next().unwrap().to_owned();
    let (writer, reader) = (format!("{name}_writer"), format!("{name}_reader"));
    let owner = client(database.url()).await;
    owner.batch_execute(&format!("CREATE ROLE {writer} LOGIN; CREATE ROLE {reader} LOGIN")).await.unwrap();
    for text in [include_str!("../../sql/writer.sql"), include_str!("../../sql/reader.sql")] {
        owner.batch_execute(&script(text, &writer, &reader)).await.unwrap();
    }
    let url = |role: &str| database.url().replace("postgres@", &format!("{role}@"));
    let log = cqrs_postgres::PostgresLog::builder(&url(&writer)).reader_url(url(&reader)).schema("shop").readers(2);
    let log = log.open().await.unwrap();
    append(&log, "order:1", "1").await.unwrap();
    let names = log.names().unwrap();
    for replaced_by in [None, Some("OrderPlaced".to_owned())] {
        let (kind, name, by) = (NameKind::Event, "Ordered".to_owned(), "a test".to_owned());
        names.declare(&[Declaration { kind, name, by, at: Timestamp::now(), replaced_by }]).await.unwrap();
    }
    assert_eq!(names.declared().await.unwrap().len(), 1);
    names.stored().await.unwrap();
    log.views().unwrap().prepare(&VIEW).await.unwrap();
    assert_eq!(log.views().unwrap().rows(&VIEW, &["a".into()]).await.unwrap(), []);
    cqrs_conformance::snapshots::the_last_one_saved_counts(&log).await;
    for sql in [
        "DELETE FROM shop.cqrs_events",
        "UPDATE shop.cqrs_events SET data = '{}'",
        "TRUNCATE shop.cqrs_events",
        "DROP TABLE shop.cqrs_events",
        "DELETE FROM shop.cqrs_event_tags",
        "UPDATE shop.cqrs_commands SET events = 0",
        "UPDATE shop.cqrs_schema SET version = 2",
        "DELETE FROM shop.cqrs_names",
        "UPDATE shop.cqrs_names SET generation = 0",
    ] {
        let mut tx = log.begin().await.unwrap();
        let handler: &mut Tx<Postgres> = tx.database().unwrap().downcast_mut().unwrap();
        let error = handler.execute(sql, &[]).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "`{sql}`: {error}");
    }
    let handler: Box<PostgresReader> = log.views().unwrap().reader().await.unwrap().downcast().unwrap();
    let role: String = handler.query_one("SELECT current_user::text", &[]).await.unwrap().get(0);
    assert_eq!(role, reader);
    drop((handler, log));
    let client = client(&url(&reader)).await;
    let error = client.execute("DELETE FROM shop.cqrs_events", &[]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    drop(client);
    let gone = format!("DROP OWNED BY {reader}; DROP OWNED BY {writer}; DROP ROLE {writer}, {reader}");
    owner.batch_execute(&gone).await.unwrap();
}

#[tokio::test]
async fn a_writer_that_may_not_migrate_the_schema_says_who_can() {
    let database = database();
    drop(builder(&database).schema("shop").open().await.unwrap());
    let owner = client(database.url()).await;
    let writer = format!("{}_older", database.url().rsplit('/').next().unwrap());
    let grants = script(include_str!("../../sql/writer.sql"), &writer, "");
    owner.batch_execute(&format!("CREATE ROLE {writer} LOGIN; {grants}")).await.unwrap();
    // The schema as it was before any migration.
    let back = "DROP TABLE shop.cqrs_snapshots, shop.cqrs_names;
                ALTER TABLE shop.cqrs_checkpoints DROP COLUMN event;
                ALTER TABLE shop.cqrs_commands DROP COLUMN long_id, DROP COLUMN content, DROP COLUMN recorded_at;
                ALTER TABLE shop.cqrs_leases DROP COLUMN length;
                UPDATE shop.cqrs_schema SET version = 1";
    owner.batch_execute(back).await.unwrap();
    let url = database.url().replace("postgres@", &format!("{writer}@"));
    let open = async || cqrs_postgres::PostgresLog::builder(&url).schema("shop").open().await;
    let error = open().await.unwrap_err();
    assert!(matches!(error, OpenError::Older { found: 1, needed: 5, .. }), "{error}");
    // Doing what the error says fixes it.
    drop(builder(&database).schema("shop").open().await.unwrap());
    owner.batch_execute(&grants).await.unwrap();
    cqrs_conformance::snapshots::an_empty_store_has_nothing(&open().await.unwrap()).await;
    owner.batch_execute(&format!("DROP OWNED BY {writer}; DROP ROLE {writer}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_writers_views_conform() {
    let database = database();
    let owner = client(database.url()).await;
    let name = database.url().rsplit('/').next().unwrap().to_owned();
    let writer = format!("{name}_views");
    owner.batch_execute(&format!("CREATE ROLE {writer} LOGIN")).await.unwrap();
    drop(builder(&database).schema("shop").open().await.unwrap());
    owner.batch_execute(&script(include_str!("../../sql/writer.sql"), &writer, "")).await.unwrap();
    let url = database.url().replace("postgres@", &format!("{writer}@"));
    let log = cqrs_postgres::PostgresLog::builder(&url).schema("shop").open().await.unwrap();
    views::rows_are_put_replaced_and_removed(Site::InsideLog(std::sync::Arc::new(log))).await;
    owner.batch_execute(&format!("DROP OWNED BY {writer} CASCADE; DROP ROLE {writer}")).await.unwrap();
}

//! What the tests share.

use std::sync::Arc;

use cqrs_postgres::tokio_postgres::{self, Client, NoTls};
use cqrs_postgres::{PostgresLog, PostgresLogBuilder};
use cqrs_runtime::event::{EventHeader, RecordedEvent};
use cqrs_runtime::log::{EventLog, EventQuery, LogTransaction, Position, StoreError};
use cqrs_runtime::{Meta, Tag, Timestamp, Uuid};
use cqrs_test_servers::{Database, Postgres};

/// A new database, and a log in it.
pub async fn log() -> (Database, PostgresLog) {
    let database = database();
    let log = builder(&database).open().await.unwrap();
    (database, log)
}

/// A new database on the server that all tests share.
pub fn database() -> Database {
    Postgres::shared().database()
}

/// A log in a database, with few connections, because all tests together must not exceed the
/// server's limit.
pub fn builder(database: &Database) -> PostgresLogBuilder {
    PostgresLog::builder(database.url()).readers(3)
}

/// The test's own connection.
pub async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The first column of the first row.
pub async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// An event for a position.
pub fn event(position: Position, tag: &str, data: &str) -> RecordedEvent {
    let header = EventHeader {
        position,
        id: Uuid::now_v7(),
        name: "Happened".into(),
        version: 1,
        tags: vec![Tag::from_text(tag)],
        meta: Arc::new(Meta::new()),
        recorded_at: Timestamp::now(),
    };
    RecordedEvent::new(header, data.into())
}

/// Appends one event, and returns its position.
pub async fn append(log: &PostgresLog, tag: &str, data: &str) -> Result<Position, StoreError> {
    let mut tx = log.begin().await?;
    let position = stage(&mut *tx, tag, data).await?;
    tx.commit().await?;
    Ok(position)
}

/// Appends one event that is not committed yet.
pub async fn stage(tx: &mut dyn LogTransaction, tag: &str, data: &str) -> Result<Position, StoreError> {
    let position = tx.head().next();
    tx.append(&[event(position, tag, data)], &[]).await?;
    Ok(position)
}

/// The data of every event, in order; positions must be dense.
pub async fn all(log: &PostgresLog) -> Vec<String> {
    let page = log.read(&EventQuery::all(), Position::START, 1_000_000).await.unwrap();
    for (event, position) in page.events.iter().zip(1_u64..) {
        assert_eq!(event.position(), position, "positions are dense");
    }
    page.events.iter().map(|event| event.data().to_owned()).collect()
}

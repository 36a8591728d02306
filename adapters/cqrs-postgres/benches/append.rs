//! Compares appends in batches, as the sequencer makes them, with as many clients that insert and
//! commit one event each, in no order.
//!
//! `cargo bench -p cqrs-postgres --bench append` prints events per second, and their ratio to the
//! plain inserts of the same run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_postgres::PostgresLog;
use cqrs_postgres::tokio_postgres::{self, NoTls};
use cqrs_runtime::event::{EventHeader, RecordedEvent};
use cqrs_runtime::log::{EventLog, Position};
use cqrs_runtime::{Meta, Tag, Timestamp, Uuid};
use cqrs_test_servers::Postgres;

const CLIENTS: usize = 32;
const SPAN: Duration = Duration::from_secs(3);
const DATA: &str =
    r#"{"order":"0192f0c1-2b3c-7d4e-8f90-a1b2c3d4e5f6","lines":[{"product":"tea","quantity":3,"price":499}]}"#;

#[tokio::main]
async fn main() {
    let server = Postgres::start().unwrap_or_else(|error| panic!("{error}"));
    let database = server.new_database().unwrap_or_else(|error| panic!("{error}"));
    let log = PostgresLog::open(database.url()).await.expect("a log");
    let (mut plain, mut small, mut large) = (0.0, 0.0, 0.0);
    // In turn, so that the table grows equally for all.
    for _ in 0..2 {
        plain += inserts(database.url()).await / 2.0;
        small += appends(&log, 32).await / 2.0;
        large += appends(&log, 512).await / 2.0;
    }
    println!("{:38} {:>10} {:>8}", "", "events/s", "ratio");
    println!("{:38} {plain:10.0} {:8.2}", format!("{CLIENTS} clients, one insert per commit"), 1.0);
    println!("{:38} {small:10.0} {:8.2}", "the log, batches of 32", small / plain);
    println!("{:38} {large:10.0} {:8.2}", "the log, batches of 512", large / plain);
}

/// Events per second of one writer that appends batch after batch.
async fn appends(log: &PostgresLog, batch: u64) -> f64 {
    let (started, mut events) = (Instant::now(), 0.0);
    while started.elapsed() < SPAN {
        let mut tx = log.begin().await.expect("the lock");
        let first = tx.head().get() + 1;
        let new: Vec<_> = (first..first + batch).map(event).collect();
        tx.append(&new, &[]).await.expect("an append");
        tx.commit().await.expect("a commit");
        #[allow(clippy::cast_precision_loss, reason = "some hundreds")]
        let more = batch as f64;
        events += more;
    }
    events / started.elapsed().as_secs_f64()
}

fn event(position: u64) -> RecordedEvent {
    let header = EventHeader {
        position: Position::new(position),
        id: Uuid::now_v7(),
        name: "OrderCreated".into(),
        version: 1,
        tags: vec![
            Tag::from_text(&format!("customer:{}", position % 1_000)),
            Tag::from_text(&format!("order:{position}")),
        ],
        meta: Arc::new(Meta::new()),
        recorded_at: Timestamp::now(),
    };
    RecordedEvent::new(header, DATA.into())
}

/// Events per second of many clients, each with a commit for every event and its two tags.
async fn inserts(url: &str) -> f64 {
    let (setup, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    setup
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS plain (position bigserial PRIMARY KEY, id uuid, name text, version bigint, tags text[],
                 data text, meta text, recorded_at timestamptz);
             CREATE TABLE IF NOT EXISTS plain_tags (tag text, position bigint, name text, PRIMARY KEY (tag, position) INCLUDE (name))",
        )
        .await
        .expect("tables");
    let started = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let url = url.to_owned();
            tokio::spawn(async move {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
                tokio::spawn(connection);
                let insert = client
                    .prepare(
                        "WITH e AS (INSERT INTO plain (id, name, version, tags, data, meta, recorded_at)
                             VALUES (gen_random_uuid(), 'OrderCreated', 1, $1, $2, $3, now()) RETURNING position)
                         INSERT INTO plain_tags SELECT tag, position, 'OrderCreated' FROM e, unnest($1) tag",
                    )
                    .await
                    .expect("a statement");
                let meta =
                    r#"{"correlation":"0192f0c1-2b3c-7d4e-8f90-a1b2c3d4e5f6","at":"2026-01-31T12:00:00.000001Z"}"#;
                let mut events = 0.0;
                while started.elapsed() < SPAN {
                    let tags = vec![format!("customer:{number}"), format!("order:{}", Uuid::now_v7())];
                    client.execute(&insert, &[&tags, &DATA, &meta]).await.expect("an insert");
                    events += 1.0;
                }
                events
            })
        })
        .collect();
    let mut events = 0.0;
    for client in clients {
        events += client.await.expect("no panic");
    }
    events / started.elapsed().as_secs_f64()
}

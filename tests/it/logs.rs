//! The logs that each test runs on.

use std::sync::Arc;

use cqrs_postgres::PostgresLog;
use cqrs_runtime::App;
use cqrs_runtime::log::{EventLog, MemoryLog};
use cqrs_sqlite::SqliteLog;
use cqrs_test_servers::{Database, Postgres};
use tempfile::TempDir;

/// Where a log lives, for as long as it is needed.
pub enum Place {
    Memory,
    Folder(#[expect(dead_code, reason = "it goes when this is dropped")] TempDir),
    Database(#[expect(dead_code, reason = "it goes when this is dropped")] Database),
}

/// An empty log of each kind.
pub async fn logs() -> Vec<(Arc<dyn EventLog>, Place)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = open(&folder).await;
    let database = Postgres::shared().database();
    let postgres = PostgresLog::open(database.url()).await.unwrap();
    vec![
        (Arc::new(MemoryLog::new()), Place::Memory),
        (Arc::new(sqlite), Place::Folder(folder)),
        (Arc::new(postgres), Place::Database(database)),
    ]
}

/// The bank on a log of each kind.
pub async fn banks() -> Vec<(App, Place)> {
    let memory = bank(App::builder().log(MemoryLog::new())).await;
    let folder = tempfile::tempdir().unwrap();
    let sqlite = bank(App::builder().log(open(&folder).await)).await;
    let database = Postgres::shared().database();
    let postgres = bank(App::builder().log(PostgresLog::open(database.url()).await.unwrap())).await;
    vec![(memory, Place::Memory), (sqlite, Place::Folder(folder)), (postgres, Place::Database(database))]
}

/// The SQLite log in this folder.
pub async fn open(folder: &TempDir) -> SqliteLog {
    SqliteLog::open(folder.path().join("log.db")).await.unwrap()
}

/// The bank alone, out of all that is linked into this binary.
pub async fn bank(builder: cqrs_runtime::AppBuilder) -> App {
    builder.only_modules(["cqrs_tests::bank"]).build().await.unwrap()
}

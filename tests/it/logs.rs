//! The logs that each test runs on.

use cqrs_runtime::App;
use cqrs_runtime::log::MemoryLog;
use cqrs_sqlite::SqliteLog;
use tempfile::TempDir;

/// The bank on a log of each kind; the folder lives as long as the file in it.
pub async fn banks() -> Vec<(App, Option<TempDir>)> {
    let memory = bank(App::builder().log(MemoryLog::new())).await;
    let folder = tempfile::tempdir().unwrap();
    let sqlite = bank(App::builder().log(open(&folder).await)).await;
    vec![(memory, None), (sqlite, Some(folder))]
}

/// The SQLite log in this folder.
pub async fn open(folder: &TempDir) -> SqliteLog {
    SqliteLog::open(folder.path().join("log.db")).await.unwrap()
}

/// The bank alone, out of all that is linked into this binary.
pub async fn bank(builder: cqrs_runtime::AppBuilder) -> App {
    builder.only(["cqrs_tests::bank"]).build().await.unwrap()
}

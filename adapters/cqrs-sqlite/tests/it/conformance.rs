//! The conformance suites, on a file.

use cqrs_conformance::views::{self, Transactions};
use cqrs_sqlite::{SqliteLog, SqliteViews, Synchronous};
use tempfile::TempDir;

async fn make(folder: &TempDir) -> SqliteLog {
    let path = folder.path().join(format!("{}.db", cqrs_runtime::Uuid::now_v7()));
    SqliteLog::builder(path).synchronous(Synchronous::Normal).open().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_conforms() {
    let folder = tempfile::tempdir().unwrap();
    cqrs_conformance::log::all(async || make(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_views_conform() {
    let folder = tempfile::tempdir().unwrap();
    views::all(async || make(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_in_a_file_of_their_own_conform() {
    let folder = tempfile::tempdir().unwrap();
    let make = async || {
        let path = folder.path().join(format!("{}.db", cqrs_runtime::Uuid::now_v7()));
        SqliteViews::open(path).await.unwrap()
    };
    views::alone(make, Transactions::Locking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_snapshots_conform() {
    let folder = tempfile::tempdir().unwrap();
    cqrs_conformance::snapshots::all(async || make(&folder).await).await;
}

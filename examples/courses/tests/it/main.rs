//! The rules under pressure: many callers at once, in memory, in a file, and in a file that two apps share.

mod crowds;

use cqrs_runtime::App;
use cqrs_runtime::log::MemoryLog;
use cqrs_sqlite::SqliteLog;

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    crowds::run(&[App::builder().log(MemoryLog::new()).build().await.unwrap()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("courses.db")).await.unwrap();
    crowds::run(&[App::builder().log(log).build().await.unwrap()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_file_that_two_apps_share() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("courses.db");
    let mut apps = Vec::new();
    for _ in 0..2 {
        let log = SqliteLog::open(&path).await.unwrap();
        apps.push(App::builder().log(log).build().await.unwrap());
    }
    crowds::run(&apps).await;
}

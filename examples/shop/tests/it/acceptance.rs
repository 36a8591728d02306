//! The acceptance suite on each log, with aggregates as the write side.

use cqrs_postgres::PostgresLog;
use cqrs_runtime::App;
use cqrs_runtime::log::MemoryLog;
use cqrs_test_servers::Postgres;

#[tokio::test]
async fn in_memory() {
    let app = App::builder().log(MemoryLog::new()).build().await.unwrap();
    shop::acceptance::run(&app).await;
}

#[tokio::test]
async fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let app = shop::open(&folder.path().join("shop.db")).await.unwrap();
    shop::acceptance::run(&app).await;
}

#[tokio::test]
async fn in_postgres() {
    let database = Postgres::shared().database();
    let log = PostgresLog::builder(database.url()).schema("shop").open().await.unwrap();
    let app = App::builder().log(log).build().await.unwrap();
    shop::acceptance::run(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let app = shop::open_apart(&folder.path().join("shop.db"), &folder.path().join("views.db")).await.unwrap();
    shop::acceptance::run(&app).await;
}

//! The acceptance suite on each pair of databases, with aggregates as the write side.

use cqrs_runtime::Uuid;
use cqrs_test_servers::{Database, Mongo, Postgres, Redis};
use shop::{Place, Places};
use tempfile::TempDir;

/// Plays the suite on a shop that lives at these places.
async fn passes(write: &Place, read: Option<&Place>) {
    passes_apart(Places { write: write.clone(), read: read.cloned(), details: None }).await;
}

async fn passes_apart(places: Places) {
    let app = shop::open(&places).await.unwrap();
    shop::acceptance::run(&app, app.log()).await;
    let statuses = app.projections().await.unwrap();
    assert_eq!(statuses.len(), 3);
    assert!(statuses.iter().all(|status| status.parked == 0), "{statuses:?}");
}

fn file(folder: &TempDir, name: &str) -> Place {
    Place::Sqlite(folder.path().join(name))
}

fn postgres(database: &Database) -> Place {
    database.url().parse().unwrap()
}

/// A Redis of its own: the shop's views are called the same in every one.
fn redis() -> (Redis, Place) {
    let server = Redis::start().unwrap();
    let place = server.url().parse().unwrap();
    (server, place)
}

/// A database of a server that speaks MongoDB's protocol.
fn mongo() -> Place {
    Mongo::shared().url(&format!("shop-{}", Uuid::now_v7())).parse().unwrap()
}

#[tokio::test]
async fn in_memory() {
    passes(&Place::Memory, None).await;
}

#[tokio::test]
async fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    passes(&file(&folder, "shop.db"), None).await;
}

#[tokio::test]
async fn in_postgres() {
    let database = Postgres::shared().database();
    passes(&postgres(&database), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_and_views_in_memory() {
    passes(&Place::Memory, Some(&Place::Memory)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_a_file_and_views_in_another() {
    let folder = tempfile::tempdir().unwrap();
    passes(&file(&folder, "shop.db"), Some(&file(&folder, "views.db"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_a_file_and_views_in_postgres() {
    let (folder, database) = (tempfile::tempdir().unwrap(), Postgres::shared().database());
    passes(&file(&folder, "shop.db"), Some(&postgres(&database))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_postgres_and_views_in_a_file() {
    let (database, folder) = (Postgres::shared().database(), tempfile::tempdir().unwrap());
    passes(&postgres(&database), Some(&file(&folder, "views.db"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_postgres_and_views_in_another() {
    let (log, views) = (Postgres::shared().database(), Postgres::shared().database());
    passes(&postgres(&log), Some(&postgres(&views))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_postgres_and_views_in_another_schema() {
    let database = Postgres::shared().database();
    let log = postgres(&database);
    passes(&log, Some(&log.beside())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_a_file_and_views_in_redis() {
    let (folder, (_server, views)) = (tempfile::tempdir().unwrap(), redis());
    passes(&file(&folder, "shop.db"), Some(&views)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_postgres_and_views_in_redis() {
    let (database, (_server, views)) = (Postgres::shared().database(), redis());
    passes(&postgres(&database), Some(&views)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_a_file_and_views_over_the_protocol_of_mongodb() {
    let folder = tempfile::tempdir().unwrap();
    passes(&file(&folder, "shop.db"), Some(&mongo())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_postgres_and_views_over_the_protocol_of_mongodb() {
    let database = Postgres::shared().database();
    passes(&postgres(&database), Some(&mongo())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_postgres_and_views_in_another_and_in_redis() {
    let (log, views) = (Postgres::shared().database(), Postgres::shared().database());
    let (_server, details) = redis();
    let (write, read, details) = (postgres(&log), Some(postgres(&views)), Some(details));
    passes_apart(Places { write, read, details }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_in_postgres_but_details_in_redis() {
    let (log, (_server, details)) = (Postgres::shared().database(), redis());
    passes_apart(Places { write: postgres(&log), read: None, details: Some(details) }).await;
}

//! The conformance suites, on a server.

use std::sync::Mutex;

use cqrs_conformance::views::{self, Transactions};
use cqrs_postgres::{PostgresLog, PostgresViews};
use cqrs_test_servers::{Database, Postgres};

use crate::support::log;

/// Creates logs, and keeps their databases until the end.
async fn kept(databases: &Mutex<Vec<Database>>) -> PostgresLog {
    let (database, log) = log().await;
    databases.lock().unwrap().push(database);
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_conforms() {
    let databases = Mutex::default();
    cqrs_conformance::log::all(async || kept(&databases).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_views_conform() {
    let databases = Mutex::default();
    views::all(async || kept(&databases).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_in_a_schema_of_their_own_conform() {
    let databases = Mutex::new(Vec::new());
    let make = async || {
        let database = Postgres::shared().database();
        let views = PostgresViews::open(database.url()).await.unwrap();
        databases.lock().unwrap().push(database);
        views
    };
    views::alone(make, Transactions::Locking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_snapshots_conform() {
    let databases = Mutex::default();
    cqrs_conformance::snapshots::all(async || kept(&databases).await).await;
}

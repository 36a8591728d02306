//! What every log must do.

use std::sync::Mutex;

use cqrs_postgres::{PostgresLog, PostgresViews};
use cqrs_runtime::log::conformance;
use cqrs_runtime::snapshot;
use cqrs_runtime::view_conformance::{self, Transactions};
use cqrs_test_servers::{Database, Postgres};

use crate::support::log;

/// Makes logs, and keeps their databases for as long as they are needed.
async fn kept(databases: &Mutex<Vec<Database>>) -> PostgresLog {
    let (database, log) = log().await;
    databases.lock().unwrap().push(database);
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_does_what_every_log_must() {
    let databases = Mutex::default();
    conformance::all(async || kept(&databases).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_views_do_what_all_views_must() {
    let databases = Mutex::default();
    view_conformance::all(async || kept(&databases).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_in_a_database_of_their_own_do_what_all_views_must() {
    let databases = Mutex::new(Vec::new());
    let make = async || {
        let database = Postgres::shared().database();
        let views = PostgresViews::open(database.url()).await.unwrap();
        databases.lock().unwrap().push(database);
        views
    };
    view_conformance::alone(make, Transactions::Locking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_snapshots_do_what_all_snapshots_must() {
    let databases = Mutex::default();
    snapshot::conformance::all(async || kept(&databases).await).await;
}

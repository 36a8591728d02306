//! The acceptance suite over HTTP, with the typed client.

use cqrs_client::Http;
use cqrs_test_servers::Postgres;
use shop::{Place, Places};
use tokio::net::TcpListener;

/// Plays the suite on a shop that is served on a port of its own.
async fn passes(write: Place, read: Option<Place>) {
    let app = shop::open(&Places { write, read, details: None }).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router: axum::Router = cqrs_axum::router(&app);
    tokio::spawn(async move { axum::serve(listener, router).await });
    shop::acceptance::run(&Http::new(&url), app.log()).await;
}

#[tokio::test]
async fn level_1_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    passes(Place::Sqlite(folder.path().join("shop.db")), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn level_2_in_postgres() {
    let (log, views) = (Postgres::shared().database(), Postgres::shared().database());
    passes(log.url().parse().unwrap(), Some(views.url().parse().unwrap())).await;
}

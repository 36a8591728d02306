//! The shop over HTTP: the acceptance suite with the typed client, and the committed OpenAPI document.

use cqrs_client::Http;
use cqrs_test_servers::Postgres;
use shop::{Place, Places};
use tokio::net::TcpListener;

/// Plays the suite on a shop that is served on a port of its own.
async fn passes(write: Place, read: Option<Place>) {
    let app = shop::open(&Places { write, read, details: None }).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router: axum::Router = shop::http::api(&app).build().unwrap();
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

/// `CQRS_BLESS=1` writes the file.
#[tokio::test]
async fn the_openapi_document_is_the_committed_one() {
    let app = shop::open(&Places { write: Place::Memory, read: None, details: None }).await.unwrap();
    let document = shop::http::api(&app).openapi_document().unwrap();
    assert_eq!(document.get("x-without-schema"), None);
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("CQRS_BLESS").is_some() {
        std::fs::write(&file, format!("{}\n", serde_json::to_string_pretty(&document).unwrap())).unwrap();
    }
    let committed: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(
        committed == document,
        "openapi.json differs from what the shop serves; read the difference after `CQRS_BLESS=1 cargo test -p shop`"
    );
}

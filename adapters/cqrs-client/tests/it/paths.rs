//! Messages on the paths that they declare.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use cqrs_client::Http;
use cqrs_runtime::client::Client;
use cqrs_runtime::log::EventQuery;
use cqrs_runtime::{App, Position};
use tokio::net::TcpListener;

use crate::domain::{AccountId, Note, Open, Pay, app, gate, serve};
use crate::faulty::{Fate, way};

/// A client of an app, and the paths that it was asked at.
async fn watched(app: &App) -> (Http, Arc<Mutex<Vec<String>>>) {
    let paths = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&paths);
    let router: axum::Router = cqrs_axum::router(app).layer(from_fn(move |request: Request, next: Next| {
        seen.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
        next.run(request)
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Http::new(&url), paths)
}

async fn noted(app: &App) -> Vec<String> {
    let read = app.log().read(&EventQuery::all(), Position::default(), 1_000).await.unwrap();
    read.events.iter().map(|event| event.data().to_owned()).collect()
}

#[tokio::test]
async fn a_command_goes_to_its_own_path_whatever_its_fields_hold() {
    let app = app(&gate()).await;
    let (client, paths) = watched(&app).await;
    let texts = ["a b", "a/b?c#d", "ü%2F", "17", "true", "null", "{}", "[1]", "\"", "\\", "...", ".", "..", "", "\n"];
    for text in texts {
        client.execute(Note { text: text.into(), more: Some("x".into()) }).await.unwrap();
    }
    let expected: Vec<_> =
        texts.iter().map(|text| serde_json::json!({ "text": text, "more": "x" }).to_string()).collect();
    let read: Vec<serde_json::Value> =
        noted(&app).await.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(read.len(), texts.len());
    for (read, expected) in read.iter().zip(&expected) {
        assert_eq!(*read, serde_json::from_str::<serde_json::Value>(expected).unwrap());
    }
    let by_name = paths.lock().unwrap().iter().filter(|path| *path == "POST /commands/Note").count();
    assert_eq!(by_name, 3, "what no segment can be: {paths:?}");
}

#[tokio::test]
async fn numbers_and_ids_are_segments_too() {
    let app = app(&gate()).await;
    let (client, paths) = watched(&app).await;
    let account = AccountId::new();
    client.execute(Open { account }).await.unwrap();
    client.execute(Pay { account, cents: -5, fails: None }).await.unwrap();
    let expected = ["POST /commands/Open".to_owned(), format!("POST /accounts/{account}/payments/-5")];
    assert_eq!(*paths.lock().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_know_the_path_is_reached_by_the_message_s_name() {
    let app = app(&gate()).await;
    let server = serve(&app, |options| options).await;
    for says in ["404 Not Found", "405 Method Not Allowed"] {
        let way = way(&server, &[Fate::Says(says)]).await;
        Http::new(&way.url).execute(Note { text: says.into(), more: None }).await.unwrap();
        assert_eq!(way.requests.load(Ordering::SeqCst), 2);
    }
    assert_eq!(noted(&app).await.len(), 2);
}

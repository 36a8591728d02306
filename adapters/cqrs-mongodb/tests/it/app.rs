//! An app at level 2: a log in memory, views on a server that speaks MongoDB's protocol.

use cqrs_conformance_app::{Library, Used, folded, rows, shape};
use cqrs_mongodb::mongodb::bson::{Document, doc};
use cqrs_runtime::log::MemoryLog;
use cqrs_test_servers::Mongo;

use crate::support::{client, collection_of, database, open};

#[tokio::test(flavor = "multi_thread")]
async fn an_app_runs_on_it() {
    cqrs_conformance_app::all(|| {
        let url = database();
        async move || open(&url).await
    })
    .await;
}

#[tokio::test]
async fn a_crash_between_any_two_writes_changes_nothing() {
    let url = database();
    cqrs_conformance_app::a_crash_between_any_two_writes_changes_nothing(async || open(&url).await).await;
}

#[tokio::test]
async fn people_find_views_as_documents() {
    let (log, url) = (MemoryLog::new(), database());
    let library = Library::open(&log, open(&url).await, 4).await;
    let Used { shelf, book, at } = library.use_it().await;
    library.reads(book, at).await;
    let volumes = collection_of(&url, shape().await.name).await;
    let found = volumes.find_one(doc! { "document.reads": 2 }).await.unwrap().unwrap();
    assert_eq!(found.get_str("_id").unwrap(), book.to_string());
    let document = doc! { "book": book.to_string(), "shelf": shelf.to_string(), "pages": 300, "reads": 2 };
    assert_eq!(found.get_document("document").unwrap(), &document);
    let indexes = doc! { "shelf": shelf.to_string(), "pages": 300_i64 };
    assert_eq!(found.get_document("indexes").unwrap(), &indexes);
}

#[tokio::test]
async fn rows_written_before_a_crash_are_skipped_after_it() {
    let (url, log) = (database(), MemoryLog::new());
    let library = Library::open(&log, open(&url).await, 4).await;
    let Used { book, at, .. } = library.use_it().await;
    library.reads(book, at).await;
    library.app.close().await;
    // As if every batch since the third event had written its rows and then crashed before its
    // checkpoint.
    let state = client(&url).await.collection::<Document>("cqrs.state");
    let back = doc! { "$set": { "checkpoints.$.position": 3_i64 }, "$unset": { "checkpoints.$.event": "" } };
    let stored = doc! { "checkpoints.projection": shape().await.name };
    assert_eq!(state.update_one(stored, back).await.unwrap().modified_count, 1);
    let library = Library::open(&log, open(&url).await, 5).await;
    assert_eq!(library.reads(book, at).await, 2, "nothing is folded twice");
    assert_eq!(rows(&open(&url).await).await, folded(&log).await);
    assert!(library.app.parked().await.unwrap().is_empty(), "no row is refused because it exists already");
}

#[tokio::test]
async fn a_server_that_was_emptied_between_batches_is_filled_again() {
    let (server, log) = (Mongo::start().unwrap(), MemoryLog::new());
    let url = server.url("library");
    let library = Library::open(&log, open(&url).await, 3).await;
    let first = library.use_it().await;
    library.reads(first.book, first.at).await;
    server.stop_immediate().unwrap();
    server.restart_empty().unwrap();
    let second = library.use_it().await;
    assert_eq!(library.reads(second.book, second.at).await, 2);
    assert_eq!(library.reads(first.book, second.at).await, 2);
    assert_eq!(rows(&open(&url).await).await, folded(&log).await);
    // A server that comes back with all data.
    server.stop_immediate().unwrap();
    let at = library.read(first.book).await;
    server.restart().unwrap();
    assert_eq!(library.reads(first.book, at).await, 3);
    assert_eq!(rows(&open(&url).await).await, folded(&log).await);
}

//! An app at level 2: a log in memory, views in Redis.

use cqrs_conformance_app::{Library, Used, folded, rows, shape};
use cqrs_redis::redis::{AsyncCommands, Client};
use cqrs_runtime::log::MemoryLog;
use cqrs_test_servers::Redis;

use crate::support::{open, prefix};

#[tokio::test(flavor = "multi_thread")]
async fn an_app_runs_on_it() {
    cqrs_conformance_app::all(|| {
        let prefix = prefix();
        async move || open(Redis::shared(), &prefix).await
    })
    .await;
}

#[tokio::test]
async fn a_crash_between_any_two_rows_changes_nothing() {
    let prefix = prefix();
    let open = async || open(Redis::shared(), &prefix).await;
    cqrs_conformance_app::a_crash_between_any_two_writes_changes_nothing(open).await;
}

#[tokio::test]
async fn rows_written_before_a_crash_are_skipped_after_it() {
    let (server, prefix, log) = (Redis::shared(), prefix(), MemoryLog::new());
    let library = Library::open(&log, open(server, &prefix).await, 4).await;
    let Used { book, at, .. } = library.use_it().await;
    library.reads(book, at).await;
    drop(library);
    // As if every batch since the third event had written its rows and then crashed before its
    // checkpoint.
    let mut connection = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let stored = shape().await.name;
    let (key, lease) = (format!("{prefix}checkpoints"), format!("{prefix}lease:{stored}"));
    let reached: String = connection.hget(&key, stored).await.unwrap();
    let fingerprint = reached.split(':').nth(1).unwrap();
    let _: () = connection.del(lease).await.unwrap();
    let _: () = connection.hset(&key, stored, format!("{:020}:{fingerprint}", 3)).await.unwrap();
    let library = Library::open(&log, open(server, &prefix).await, 5).await;
    assert_eq!(library.reads(book, at).await, 2, "nothing is folded twice");
    assert_eq!(rows(&open(server, &prefix).await).await, folded(&log).await);
    assert!(library.app.parked().await.unwrap().is_empty(), "no row is refused because it exists already");
}

#[tokio::test]
async fn a_server_that_was_emptied_between_batches_is_filled_again() {
    let (server, log) = (Redis::start().unwrap(), MemoryLog::new());
    let library = Library::open(&log, open(&server, "cqrs:").await, 3).await;
    let first = library.use_it().await;
    library.reads(first.book, first.at).await;
    server.stop_immediate().unwrap();
    server.restart_empty().unwrap();
    let second = library.use_it().await;
    assert_eq!(library.reads(second.book, second.at).await, 2);
    assert_eq!(library.reads(first.book, second.at).await, 2);
    assert_eq!(rows(&open(&server, "cqrs:").await).await, folded(&log).await);
    // A server that comes back with all data.
    server.stop_immediate().unwrap();
    let at = library.read(first.book).await;
    server.restart().unwrap();
    assert_eq!(library.reads(first.book, at).await, 3);
}

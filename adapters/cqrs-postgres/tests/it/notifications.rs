//! Notifications of new events.

use cqrs_runtime::EventLog;
use cqrs_runtime::log::{EventQuery, Position};

use crate::support::{append, builder, client, database, number};

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_notified_of_every_append_of_another_log() {
    let database = database();
    let (log, other) = (builder(&database).open().await.unwrap(), builder(&database).open().await.unwrap());
    let writing = tokio::spawn(async move {
        for number in 1..=50 {
            append(&other, "order:1", &number.to_string()).await.unwrap();
        }
    });
    let (mut news, mut after) = (log.news(), Position::START);
    while after < Position::new(50) {
        let page = log.read(&EventQuery::all(), after, 7).await.unwrap();
        after = page.up_to;
        if !page.more && after < Position::new(50) {
            news.next().await;
        }
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn a_follower_is_notified_after_a_lost_connection_and_from_then_on() {
    let (database, log) = crate::support::log().await;
    let mut news = log.news();
    // Returns when it listens.
    news.next().await;
    let client = client(database.url()).await;
    let listeners = "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%') ended";
    assert_eq!(number(&client, listeners).await, 1);
    news.next().await;
    append(&log, "order:1", "1").await.unwrap();
    news.next().await;
}

#[tokio::test]
async fn other_schemas_do_not_notify() {
    let database = database();
    let log = builder(&database).open().await.unwrap();
    let other = builder(&database).schema("other").open().await.unwrap();
    let mut news = log.news();
    news.next().await;
    append(&other, "order:1", "1").await.unwrap();
    append(&log, "order:1", "2").await.unwrap();
    news.next().await;
    let quiet = tokio::select! { () = news.next() => false, number = log.head() => number.unwrap() == 1 };
    assert!(quiet, "one append, one notification");
}

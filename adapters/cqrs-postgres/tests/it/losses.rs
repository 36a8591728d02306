//! Connections that are lost at any moment.

use std::time::Duration;

use cqrs_postgres::{Postgres, PostgresLog};
use cqrs_runtime::Tx;
use cqrs_runtime::log::{EventLog, StoreError};
use cqrs_test_servers::Database;

use crate::proxy::{Fault, Proxy};
use crate::support::{all, append, builder, client, database, number, stage};

/// A log that writes through a faulty network, and reads directly.
async fn behind_proxy() -> (Database, Proxy, PostgresLog) {
    let database = database();
    let proxy = Proxy::start(database.url()).await;
    let log = PostgresLog::builder(&proxy.url(database.url())).reader_url(database.url()).readers(2);
    let log = log.lock_timeout(Duration::from_secs(20)).open().await.unwrap();
    (database, proxy, log)
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_looked_up() {
    let (_database, proxy, log) = behind_proxy().await;
    for number in 1..=3 {
        proxy.arm(Fault::AnswerToCommit);
        assert_eq!(append(&log, "order:1", &number.to_string()).await.unwrap(), number);
        assert!(proxy.is_spent());
    }
    assert_eq!(all(&log).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_commit_that_never_arrived_has_no_effect() {
    for fault in [Fault::BeforeCommit, Fault::BeforeCommitUnnoticed] {
        let (_database, proxy, log) = behind_proxy().await;
        append(&log, "order:1", "1").await.unwrap();
        proxy.arm(fault);
        let error = append(&log, "order:1", "2").await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(proxy.is_spent());
        assert_eq!(append(&log, "order:1", "3").await.unwrap(), 2, "the log goes on");
        assert_eq!(all(&log).await, ["1", "3"]);
    }
}

#[tokio::test]
async fn a_commit_without_events_is_looked_up_as_well() {
    let (database, proxy, log) = behind_proxy().await;
    let client = client(database.url()).await;
    client.batch_execute("CREATE TABLE stock (pieces bigint)").await.unwrap();
    for (fault, stored) in [(Fault::AnswerToCommit, 1), (Fault::BeforeCommit, 1), (Fault::None, 2)] {
        let mut tx = log.begin().await.unwrap();
        let handler: &mut Tx<Postgres> = tx.database().unwrap().downcast_mut().unwrap();
        handler.execute("INSERT INTO stock VALUES (1)", &[]).await.unwrap();
        proxy.arm(fault);
        let committed = tx.commit().await;
        assert_eq!(committed.is_ok(), fault != Fault::BeforeCommit, "{committed:?}");
        assert_eq!(number(&client, "SELECT count(*) FROM stock").await, stored);
    }
}

#[tokio::test]
async fn a_commit_that_cannot_be_looked_up_is_unknown() {
    let database = database();
    let proxy = Proxy::start(database.url()).await;
    let log = PostgresLog::builder(&proxy.url(database.url())).reader_url(database.url()).readers(2);
    let log = log.lock_timeout(Duration::from_millis(200)).open().await.unwrap();
    proxy.arm(Fault::AnswerToCommitThenNothing);
    let error = append(&log, "order:1", "1").await.unwrap_err();
    assert!(matches!(error, StoreError::Unknown { .. }), "{error}");
    let error = append(&log, "order:1", "2").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    proxy.reopen();
    assert_eq!(append(&log, "order:1", "3").await.unwrap(), 2, "the log goes on when the server is back");
    assert_eq!(all(&log).await, ["1", "3"]);
}

/// Cuts the connection after any number of bytes of an append: it is stored if and only if it is
/// acknowledged.
#[tokio::test]
async fn an_append_is_stored_exactly_if_it_is_acknowledged_wherever_the_connection_is_cut() {
    let (_database, proxy, log) = behind_proxy().await;
    let mut acknowledged = Vec::new();
    let (mut cut, mut refused) = (1, 0);
    loop {
        proxy.arm(Fault::AfterBytes(cut));
        let data = cut.to_string();
        match append(&log, "order:1", &data).await {
            Ok(_) => acknowledged.push(data),
            Err(StoreError::Unavailable { .. }) => refused += 1,
            Err(error) => panic!("after {cut} bytes: {error}"),
        }
        assert_eq!(all(&log).await, acknowledged, "after {cut} bytes");
        if !proxy.is_spent() {
            break;
        }
        cut += 53;
    }
    assert!(refused > 5 && cut > 1_000, "{refused} appends failed, the last was cut after {cut} bytes");
}

#[tokio::test]
async fn a_lost_idle_connection_is_replaced_without_an_error() {
    let (database, log) = crate::support::log().await;
    append(&log, "order:1", "1").await.unwrap();
    assert_eq!(log.head().await.unwrap(), 1);
    let others = "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()) ended";
    let client = client(database.url()).await;
    for count in 2..6 {
        assert!(number(&client, others).await >= 2, "a writer and a reader");
        assert_eq!(append(&log, "order:1", "{}").await.unwrap(), count);
        assert_eq!(log.head().await.unwrap(), count);
    }
}

#[tokio::test]
async fn a_client_that_is_gone_does_not_keep_the_lock() {
    let database = database();
    let proxy = Proxy::start(database.url()).await;
    let log = builder(&database).open().await.unwrap();
    let other = PostgresLog::builder(&proxy.url(database.url())).idle_timeout(Duration::from_millis(300));
    let other = other.open().await.unwrap();
    let mut tx = other.begin().await.unwrap();
    stage(&mut *tx, "order:1", "1").await.unwrap();
    // The other process is silent, as if it were gone.
    assert_eq!(append(&log, "order:1", "2").await.unwrap(), 1);
    let error = tx.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert_eq!(all(&log).await, ["2"]);
}

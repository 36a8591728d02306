//! A projection partitioned by key, on databases that processes share.

use std::sync::Arc;
use std::time::Duration;

use cqrs_postgres::PostgresViews;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{Lease, Row, View, ViewStore};
use cqrs_sqlite::SqliteViews;
use cqrs_test_servers::Postgres;
use cqrs_tests::bank::*;

use crate::level_2::{folded_anew, rows};
use crate::logs::bank;

const LEASE: Duration = Duration::from_millis(600);
const LONG: Duration = Duration::from_secs(60);

async fn split(log: &MemoryLog, views: Arc<dyn ViewStore>, parts: u32) -> App {
    let builder = App::builder().log(log.clone()).views(views).projection_batch(7).projection_lease(LEASE);
    bank(builder.partitions::<Balance>(parts)).await
}

/// Pays in, moves money about, and closes an account: so many times.
async fn business(app: &App, accounts: &mut Vec<AccountId>, times: usize) -> Position {
    let owner = PersonId::new();
    let mut at = Position::START;
    for time in 0..times {
        let account = AccountId::new();
        app.commands().execute(OpenAccount { account, owner }).await.unwrap();
        app.commands().execute(PayIn { account, amount: 100 }).await.unwrap();
        accounts.push(account);
        let (from, to) = (account, accounts[time % accounts.len()]);
        if from != to {
            app.commands().execute(Transfer { from, to, amount: 1 }).await.unwrap();
        }
        let closed = accounts.swap_remove(time / 2 % accounts.len());
        at = app.commands().execute(CloseAccount { account: closed }).await.unwrap().position();
        let (account, amount) = (AccountId::new(), 1_000);
        app.commands().execute(OpenAccount { account, owner }).await.unwrap();
        accounts.push(account);
        at = app.commands().execute(PayIn { account, amount }).await.unwrap().position().max(at);
    }
    at
}

async fn as_written(app: &App, views: &dyn ViewStore, at: Position) -> Vec<Row> {
    app.caught_up(at, LONG).await.unwrap();
    rows(views).await
}

/// Two processes with four parts, a rebuild, one of them gone; then three parts, and then one.
async fn is_shared_and_split_anew(one: Arc<dyn ViewStore>, other: Arc<dyn ViewStore>) {
    let (log, mut accounts) = (MemoryLog::new(), Vec::new());
    let (first, second) = (split(&log, Arc::clone(&one), 4).await, split(&log, Arc::clone(&other), 4).await);
    business(&first, &mut accounts, 20).await;
    let rebuild = {
        let app = second.clone();
        tokio::spawn(async move { app.rebuild("Balance").await })
    };
    let mut at = business(&first, &mut accounts, 5).await;
    while !rebuild.is_finished() {
        at = business(&first, &mut accounts, 1).await;
        assert_eq!(as_written(&second, &*one, at).await, folded_anew(&log).await, "nothing is missing in between");
    }
    rebuild.await.unwrap().unwrap();
    assert_eq!(as_written(&second, &*one, at).await, folded_anew(&log).await);
    first.close().await;
    let at = business(&second, &mut accounts, 5).await;
    assert_eq!(as_written(&second, &*one, at).await, folded_anew(&log).await);
    drop(second);
    for parts in [3, 1, 2] {
        let app = split(&log, Arc::clone(&one), parts).await;
        let at = business(&app, &mut accounts, 5).await;
        assert_eq!(as_written(&app, &*one, at).await, folded_anew(&log).await, "in {parts}");
        let until = async {
            let expected = if parts == 1 { 0 } else { parts as usize };
            while app.projections().await.unwrap()[0].partitions.len() != expected {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, until).await.expect("it is split so");
        app.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_postgres_a_projection_is_shared_and_split_anew() {
    let database = Postgres::shared().database();
    let open = async || Arc::new(PostgresViews::open(database.url()).await.unwrap());
    is_shared_and_split_anew(open().await, open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_file_a_projection_is_shared_and_split_anew() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || Arc::new(SqliteViews::open(folder.path().join("views.db")).await.unwrap());
    is_shared_and_split_anew(open().await, open().await).await;
}

#[tokio::test]
async fn in_postgres_transactions_under_different_leases_are_under_way_together() {
    let database = Postgres::shared().database();
    let views = PostgresViews::open(database.url()).await.unwrap();
    views.prepare(&Balance::LAYOUT.shape(1)).await.unwrap();
    let leases = views.lease(&["Balance@0/2", "Balance@1/2"], "me", LONG).await.unwrap();
    let leases: Vec<Lease> = leases.into_iter().flatten().collect();
    let first = views.begin(&leases[..1]).await.unwrap();
    let second = tokio::time::timeout(LONG, views.begin(&leases[1..])).await.expect("it does not wait for the first");
    let second = second.unwrap();
    let stranger = PostgresViews::open(database.url()).await.unwrap();
    let takes_over =
        tokio::spawn(async move { stranger.lease(&["Balance@0/2"], "stranger", LONG).await.unwrap().remove(0) });
    let again = tokio::time::timeout(Duration::from_millis(200), views.begin(&leases[..1])).await;
    assert!(again.is_err(), "one under the same lease waits");
    assert!(!takes_over.is_finished(), "and so does a process that asks for leases");
    first.commit().await.unwrap();
    second.commit().await.unwrap();
    assert_eq!(takes_over.await.unwrap(), None, "which has not run out");
}

//! `PgBouncer` in front of the server: `pool_mode = session` works, `transaction` and `statement`
//! are refused.

use std::sync::Arc;

use cqrs_postgres::{OpenError, PostgresLog};
use cqrs_runtime::EventLog;
use cqrs_test_servers::PgBouncer;

use crate::support::{all, append, builder, database, log};

fn pooler(database: &cqrs_test_servers::Database, mode: &str) -> PgBouncer {
    PgBouncer::before(database, mode).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_pool_works() {
    let database = database();
    let pooler = pooler(&database, "session");
    let log = Arc::new(PostgresLog::open(pooler.url()).await.unwrap());
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for _ in 0..5 {
                    append(&log, &format!("order:{writer}"), "{}").await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(all(&log).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_or_statement_pool_is_refused() {
    // The tables exist: only the pooler is in the way.
    let (database, direct) = log().await;
    append(&direct, "order:1", "1").await.unwrap();
    for mode in ["transaction", "statement"] {
        let pooler = pooler(&database, mode);
        // With an idle pool, and while others use it.
        for busy in [0, 6] {
            let others: Vec<_> = (0..busy).map(|_| tokio::spawn(keep_busy(pooler.url().to_owned()))).collect();
            for _ in 0..5 {
                let error = PostgresLog::open(pooler.url()).await.expect_err("it is refused");
                assert!(matches!(error, OpenError::Pooled { .. }), "{mode}, {busy} others: {error}");
                assert!(error.to_string().contains("pool_mode = session"), "the error says what to do: {error}");
            }
            let views = PostgresLog::builder(pooler.url()).open_views().await.expect_err("views refuse it too");
            assert!(matches!(views, OpenError::Pooled { .. }), "{views}");
            let reader = builder(&database).reader_url(pooler.url()).open().await.expect_err("readers refuse it too");
            assert!(matches!(reader, OpenError::Pooled { .. }), "{reader}");
            for other in others {
                other.abort();
            }
        }
    }
    assert_eq!(direct.head().await.unwrap(), 1, "nothing was changed");
}

async fn keep_busy(url: String) {
    let client = crate::support::client(&url).await;
    loop {
        client.simple_query("SELECT pg_sleep(0.001)").await.expect("a statement");
    }
}

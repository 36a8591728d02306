//! An app at level 2 on views in PostgreSQL: a test program of its own, so that no other app has its domain.

use cqrs_postgres::PostgresViews;
use cqrs_test_servers::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn an_app_runs_on_it() {
    cqrs_conformance_app::all(|| {
        let database = Postgres::shared().database();
        async move || PostgresViews::open(database.url()).await.unwrap()
    })
    .await;
}

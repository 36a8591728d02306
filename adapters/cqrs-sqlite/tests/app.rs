//! An app at level 2 on views in a file: a test program of its own, so that no other app has its domain.

use std::path::PathBuf;

use cqrs_sqlite::SqliteViews;

#[tokio::test(flavor = "multi_thread")]
async fn an_app_runs_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let new_file = || -> PathBuf { folder.path().join(format!("{}.db", cqrs_runtime::Uuid::now_v7())) };
    cqrs_conformance_app::all(|| {
        let path = new_file();
        async move || SqliteViews::open(&path).await.unwrap()
    })
    .await;
}

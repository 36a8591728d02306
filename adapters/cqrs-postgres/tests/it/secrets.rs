//! A password must not appear in an error, in `Debug`, or in a log line.

use cqrs_postgres::{PostgresLog, PostgresViews};
use cqrs_runtime::EventLog;
use cqrs_runtime::view::ViewStore;
use cqrs_test_servers::Said;

use crate::support::{append, database};

const SECRETS: [&str; 3] = ["hunter2", "hun%2Fter3", "hun/ter3"];

fn holds_none(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "`{secret}`: {text}");
    }
}

#[tokio::test]
async fn a_password_is_never_shown() {
    let said = Said::listen();
    let database = database();
    let with = |user: &str| database.url().replace("postgres@", &format!("{user}@"));
    for url in [
        // No server, role, database or host.
        "postgres://ann:hunter2@127.0.0.1:1/shop".to_owned(),
        with("nobody:hunter2"),
        with("nobody:hun%2Fter3"),
        format!("{}_missing", with("postgres:hunter2")),
        "postgres://ann:hunter2@no-such-host.invalid/shop".to_owned(),
        // Invalid URLs.
        "postgres://ann:hun@hunter2@127.0.0.1:1/shop".to_owned(),
        "postgres://ann:hunter2@127.0.0.1:x/shop".to_owned(),
        "postgres://ann:hunter2@127.0.0.1:1/shop?sslmode=hunter2".to_owned(),
        "postgres://ann:hunter2@127.0.0.1:1/shop?hunter2".to_owned(),
        "postgres:/ann:hunter2@127.0.0.1/shop".to_owned(),
        "host=127.0.0.1 port=1 user=ann password=hunter2".to_owned(),
        "host=127.0.0.1 password=my hunter2 user=ann".to_owned(),
        "host=127.0.0.1 password='hunter2 user=ann".to_owned(),
        "hunter2".to_owned(),
    ] {
        let builder = PostgresLog::builder(&url).reader_url("postgres://ann:hunter2@127.0.0.1:1/shop");
        holds_none(&format!("{builder:?} {:#?}", builder.clone().readers(1)));
        let error = PostgresLog::open(&url).await.err().unwrap_or_else(|| panic!("{url} was opened"));
        holds_none(&format!("{error} {error:?} {error:#?}"));
        assert!(!error.to_string().is_empty());
        let builder = PostgresViews::builder(&url);
        holds_none(&format!("{builder:?} {builder:#?}"));
        let error = builder.open().await.expect_err("views refuse it too");
        holds_none(&format!("{error} {error:?}"));
    }
    // The server accepts any password.
    let log = PostgresLog::open(&with("postgres:hunter2")).await.unwrap();
    append(&log, "order:1", "1").await.unwrap();
    holds_none(&format!("{} {log:?} {log:#?}", log.describe()));
    holds_none(&log.views().unwrap().describe());
    let views = PostgresViews::builder(&with("postgres:hunter2")).open().await.unwrap();
    holds_none(&format!("{} {views:?} {views:#?}", views.describe()));
    let backend = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    crate::support::client(database.url()).await.batch_execute(backend).await.unwrap();
    let errors = [log.head().await.err(), append(&log, "order:1", "2").await.err()];
    holds_none(&format!("{errors:?}"));
    holds_none(&said.text());
}

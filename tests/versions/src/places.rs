//! The databases, each by its URL.

use std::sync::Arc;

use cqrs_postgres::PostgresLog;
use cqrs_redis::RedisViews;
use cqrs_runtime::log::EventLog;
use cqrs_runtime::view::ViewStore;
use cqrs_sqlite::{SqliteLog, SqliteViews};

/// A log by its URL: that of a PostgreSQL database, or a file.
///
/// # Panics
/// If it cannot be opened.
pub async fn open_log(url: &str) -> Arc<dyn EventLog> {
    if url.starts_with("postgres:") {
        Arc::new(PostgresLog::builder(url).readers(3).open().await.expect("the log can be opened"))
    } else {
        Arc::new(SqliteLog::builder(url).readers(2).open().await.expect("the log can be opened"))
    }
}

/// Views by their URL.
///
/// # Panics
/// If they cannot be opened.
pub async fn open_views(url: &str) -> Arc<dyn ViewStore> {
    if url.starts_with("postgres:") {
        Arc::new(PostgresLog::builder(url).readers(3).open_views().await.expect("the views can be opened"))
    } else if url.starts_with("redis:") {
        Arc::new(RedisViews::open(url).await.expect("the views can be opened"))
    } else {
        Arc::new(SqliteViews::builder(url).readers(2).open().await.expect("the views can be opened"))
    }
}

//! The databases, each by its URL, so that another process can open them too.

use std::sync::Arc;
use std::time::Duration;

use cqrs_postgres::{PostgresLog, PostgresViews};
use cqrs_redis::RedisViews;
use cqrs_runtime::log::EventLog;
use cqrs_runtime::view::ViewStore;
use cqrs_sqlite::{SqliteLog, SqliteViews};
use cqrs_test_servers::{Database, Postgres, Redis};

/// How long a PostgreSQL server bears with a program that says nothing in the middle of a transaction.
const SILENCE: Duration = Duration::from_millis(600);

/// A log by its URL: that of a PostgreSQL database, or a file.
pub async fn open_log(url: &str) -> Arc<dyn EventLog> {
    if url.starts_with("postgres:") {
        Arc::new(PostgresLog::builder(url).readers(3).open().await.unwrap())
    } else {
        Arc::new(SqliteLog::builder(url).readers(2).open().await.unwrap())
    }
}

/// Views by their URL.
pub async fn open_views(url: &str) -> Arc<dyn ViewStore> {
    if url.starts_with("postgres:") {
        Arc::new(PostgresViews::builder(url).readers(4).idle_timeout(SILENCE).open().await.unwrap())
    } else if url.starts_with("redis:") {
        Arc::new(RedisViews::open(url).await.unwrap())
    } else {
        Arc::new(SqliteViews::builder(url).readers(2).open().await.unwrap())
    }
}

/// A server of the test's own, for views alone.
pub enum ReadServer {
    Postgres(Postgres, Database),
    Redis(Redis),
}

impl ReadServer {
    pub fn postgres() -> Self {
        let server = Postgres::start().unwrap();
        let database = server.new_database().unwrap();
        Self::Postgres(server, database)
    }

    /// The database, where it is PostgreSQL's.
    pub fn database(&self) -> Option<&Database> {
        if let Self::Postgres(_, database) = self { Some(database) } else { None }
    }

    pub fn redis() -> Self {
        Self::Redis(Redis::start().unwrap())
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Postgres(_, database) => database.url(),
            Self::Redis(server) => server.url(),
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        let (_, host) = self.url().rsplit_once("127.0.0.1:").unwrap();
        host.split_once('/').unwrap().0.parse().unwrap()
    }

    /// Whether what a batch writes shows all at once.
    pub fn has_transactions(&self) -> bool {
        matches!(self, Self::Postgres(..))
    }

    /// As a crash of it does.
    pub fn stop(&self) {
        match self {
            Self::Postgres(server, _) => server.stop_immediate().unwrap(),
            Self::Redis(server) => server.stop_immediate().unwrap(),
        }
    }

    pub fn restart(&self) {
        match self {
            Self::Postgres(server, _) => server.restart().unwrap(),
            Self::Redis(server) => server.restart().unwrap(),
        }
    }
}

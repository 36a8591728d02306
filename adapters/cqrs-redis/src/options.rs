//! Opening a server.

use std::fmt;
use std::time::Duration;

use cqrs_runtime::secrets::hide;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, InfoDict};

use crate::error::OpenError;
use crate::views::RedisViews;

/// The first version that a server may have.
const OLDEST: (u32, u32) = (6, 2);

/// How to open [`RedisViews`].
#[derive(Clone)]
pub struct RedisViewsBuilder {
    url: String,
    prefix: String,
    patience: Duration,
}

/// Without the URL, which holds a password.
impl fmt::Debug for RedisViewsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisViewsBuilder")
            .field("prefix", &self.prefix)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl RedisViewsBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), prefix: "cqrs:".to_owned(), patience: Duration::from_secs(30) }
    }

    /// What every key of the store begins with: `cqrs:`, unless said otherwise. Stores of different prefixes know nothing of each
    /// other, unless one prefix begins with the other: end it with a colon.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long to wait for a connection, and for each answer, before it counts as lost and the store as
    /// [`Unavailable`](cqrs_runtime::log::StoreError::Unavailable). Default: 30 seconds.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects to the server, and looks whether it can hold views.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(self) -> Result<RedisViews, OpenError> {
        let client =
            Client::open(self.url.as_str()).map_err(|error| OpenError::BadUrl(hide(&error.to_string(), &self.url)))?;
        let info = client.get_connection_info();
        let server = format!("{}/{}", info.addr(), info.redis_settings().db());
        let failed = |error: redis::RedisError| OpenError::Failed {
            server: server.clone(),
            reason: hide(&error.to_string(), &self.url),
        };
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(self.patience))
            .set_connection_timeout(Some(self.patience))
            .set_number_of_retries(1);
        let mut connection = client.get_connection_manager_with_config(config).await.map_err(failed)?;
        check(&mut connection, &server).await?;
        Ok(RedisViews::new(connection, format!("the views in Redis at {server} (`{}`)", self.prefix), self.prefix))
    }
}

/// Looks whether a server can hold views.
async fn check(connection: &mut ConnectionManager, server: &str) -> Result<(), OpenError> {
    let failed = |error: redis::RedisError| OpenError::Failed { server: server.to_owned(), reason: error.to_string() };
    let info: InfoDict = redis::cmd("INFO").query_async(connection).await.map_err(failed)?;
    let text = |name: &str| info.get::<String>(name).unwrap_or_default();
    let found = text("redis_version");
    let mut numbers = found.split('.').map(|number| number.parse().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST {
        return Err(OpenError::TooOld { server: server.to_owned(), found });
    }
    if text("cluster_enabled") == "1" {
        return Err(OpenError::Cluster(server.to_owned()));
    }
    if text("role") == "slave" {
        return Err(OpenError::Replica(server.to_owned()));
    }
    let policy = text("maxmemory_policy");
    if policy.starts_with("allkeys") {
        return Err(OpenError::Evicts { server: server.to_owned(), policy });
    }
    Ok(())
}

//! Calls to the server.

use cqrs_core::log::StoreError;
use cqrs_core::secrets::hide;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, InfoDict, RedisError, Script};

use crate::error::{OpenError, store_error};
use crate::options::RedisViewsBuilder;
use crate::scripts::Scripts;

/// The oldest supported version of the server.
const OLDEST: (u32, u32) = (6, 2);

/// How many rows of unused places one call deletes, and the maximum number of such calls after a
/// commit.
const SWEPT_A_CALL: usize = 1_000;
const SWEEPS: usize = 50;

/// A server, the prefix of its keys, and the scripts that run on it.
pub(crate) struct Store {
    connection: ConnectionManager,
    /// The store's name in errors.
    pub(crate) name: String,
    prefix: String,
    pub(crate) scripts: Scripts,
}

impl Store {
    /// Connects to a server, and checks that it can hold views.
    pub(crate) async fn open(options: RedisViewsBuilder) -> Result<Self, OpenError> {
        let RedisViewsBuilder { url, prefix, response_timeout } = options;
        let client = Client::open(url.as_str()).map_err(|error| OpenError::BadUrl(hide(&error.to_string(), &url)))?;
        let info = client.get_connection_info();
        let server = format!("{}/{}", info.addr(), info.redis_settings().db());
        let failed =
            |error: RedisError| OpenError::Failed { server: server.clone(), reason: hide(&error.to_string(), &url) };
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(response_timeout))
            .set_connection_timeout(Some(response_timeout))
            .set_number_of_retries(1);
        let mut connection = client.get_connection_manager_with_config(config).await.map_err(failed)?;
        check(&mut connection, &server).await?;
        let name = format!("the views in Redis at {server} (`{prefix}`)");
        Ok(Self { connection, name, prefix, scripts: Scripts::new() })
    }

    pub(crate) fn connection(&self) -> ConnectionManager {
        self.connection.clone()
    }

    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn error(&self, error: &RedisError) -> StoreError {
        store_error(&self.name, error)
    }

    /// Runs a script. Its first argument is the prefix.
    pub(crate) async fn run<T: FromRedisValue>(&self, script: &Script, arguments: &[Vec<u8>]) -> Result<T, RedisError> {
        let mut invocation = script.arg(&self.prefix);
        for argument in arguments {
            invocation.arg(argument.as_slice());
        }
        invocation.invoke_async(&mut self.connection()).await
    }

    /// Deletes rows that no view reads any more. The next commit deletes the rest.
    pub(crate) async fn sweep(&self, mut left: u64) {
        let arguments = [SWEPT_A_CALL.to_string().into()];
        for _ in 0..SWEEPS {
            if left == 0 {
                return;
            }
            left = match self.run(&self.scripts.sweep, &arguments).await {
                Ok(left) => left,
                Err(error) => {
                    tracing::debug!(%error, "cannot delete unused rows; the next commit retries");
                    return;
                }
            };
        }
    }
}

/// Checks that a server can hold views.
async fn check(connection: &mut ConnectionManager, server: &str) -> Result<(), OpenError> {
    let failed = |error: RedisError| OpenError::Failed { server: server.to_owned(), reason: error.to_string() };
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

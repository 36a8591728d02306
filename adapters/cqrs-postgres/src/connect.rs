//! How connections are made.

use std::sync::Arc;
use std::time::Duration;

use cqrs_runtime::log::{BoxFuture, StoreError};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, SimpleQueryMessage, Socket};

use crate::connection::{Backend, Connection};
use crate::error::{damaged, store_error};

/// How long a server may take to answer a new connection.
const CONNECT: Duration = Duration::from_secs(10);

/// After how long without an answer a connection counts as lost.
const SILENCE: Duration = Duration::from_secs(20);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Write,
    /// Snapshots: nothing is lost with them.
    Save,
    Read,
    Listen,
}

/// Drives a connection, and hands over what arrives unasked, until it ends.
type Driver = BoxFuture<'static, ()>;

/// Takes what arrives unasked: notifications.
pub(crate) type Listener = Box<dyn FnMut(AsyncMessage) + Send>;

type Connecting = BoxFuture<'static, Result<(Client, Driver), Error>>;

/// Connects, with or without TLS.
#[derive(Clone)]
pub(crate) struct Connector(Arc<dyn Fn(Config, Listener) -> Connecting + Send + Sync>);

impl Connector {
    pub(crate) fn new<T>(tls: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Self(Arc::new(move |config, mut listener| {
            let tls = tls.clone();
            Box::pin(async move {
                let (client, mut connection) = config.connect(tls).await?;
                let drive = async move {
                    while let Some(message) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                        match message {
                            Ok(message) => listener(message),
                            Err(error) => {
                                tracing::debug!(%error, "a connection to PostgreSQL has ended");
                                break;
                            }
                        }
                    }
                };
                Ok((client, Box::pin(drive) as Driver))
            })
        }))
    }
}

/// Where a log is, and how to get there.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) store: Arc<str>,
    pub(crate) config: Config,
    pub(crate) connector: Connector,
    pub(crate) lock_timeout: Duration,
    pub(crate) idle_timeout: Duration,
}

impl Place {
    /// A new connection, set up for its purpose.
    pub(crate) async fn connect(&self, purpose: Purpose) -> Result<Arc<Connection>, StoreError> {
        self.listening(purpose, Box::new(|_| ())).await
    }

    /// As [`connect`](Self::connect), with an ear for what arrives unasked.
    pub(crate) async fn listening(&self, purpose: Purpose, listener: Listener) -> Result<Arc<Connection>, StoreError> {
        let failed = |error: Error| store_error(&self.store, &error);
        let mut config = self.config.clone();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        config.keepalives_idle(config.get_keepalives_idle().min(SILENCE / 2));
        if config.get_application_name().is_none() {
            config.application_name("cqrs-postgres");
        }
        let (client, driver) = (self.connector.0)(config, listener).await.map_err(failed)?;
        tokio::spawn(driver);
        let setup = format!(
            "{} SELECT pg_backend_pid(), backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()",
            self.setup(purpose)
        );
        let answers = client.simple_query(&setup).await.map_err(failed)?;
        let row = answers.iter().rev().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let backend = row.and_then(|row| {
            Some(Backend { pid: row.get(0)?.parse().ok()?, started: row.get(1).unwrap_or_default().to_owned() })
        });
        let backend = backend.ok_or_else(|| damaged(&self.store, "the server does not say which process answers"))?;
        Ok(Arc::new(Connection::new(client, backend)))
    }

    /// The statements that a session of this crate starts with, and is brought back to.
    ///
    /// A server that hears nothing from its client lets go of the log's lock after these times, not after hours.
    pub(crate) fn setup(&self, purpose: Purpose) -> String {
        let (lock, idle) = (self.lock_timeout.as_millis().max(1), self.idle_timeout.as_millis().max(1));
        let purpose = match purpose {
            Purpose::Listen => String::new(),
            Purpose::Read => "SET default_transaction_read_only = on;".to_owned(),
            Purpose::Save => format!(
                "SET lock_timeout = {lock}; SET default_transaction_read_only = off; SET synchronous_commit = off;"
            ),
            Purpose::Write => format!(
                "SET lock_timeout = {lock}; SET idle_in_transaction_session_timeout = {idle}; \
                 SET default_transaction_read_only = off; {DURABLE}"
            ),
        };
        format!(
            "SET standard_conforming_strings = on; SET client_min_messages = warning; SET tcp_keepalives_idle = 10; \
             SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; {purpose}"
        )
    }
}

/// Every commit is on the disk before it is acknowledged, whatever the server's default. A stronger one stays.
pub(crate) const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
                                  WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');";

/// Brings a session back to what it was before a handler had it.
pub(crate) const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                                SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; ";

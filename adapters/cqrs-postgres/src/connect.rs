//! Opens and sets up connections.

use std::sync::Arc;
use std::time::Duration;

use cqrs_core::log::{BoxFuture, StoreError};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, SimpleQueryMessage, Socket};

use crate::connection::{Backend, Connection};
use crate::error::{damaged, store_error, unavailable};
use crate::watch::Watch;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a network connection may be silent before it counts as lost.
const SILENCE: Duration = Duration::from_secs(20);

/// How much later than its timeout the answer to a statement may arrive.
const GRACE: Duration = Duration::from_secs(10);

/// The purpose of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Write,
    /// Saves snapshots, which the server may lose.
    Save,
    Read,
    Listen,
}

/// Runs a connection until it ends, and passes on notifications.
type Driver = BoxFuture<'static, ()>;

/// Receives notifications.
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
                                tracing::debug!(%error, "connection to PostgreSQL closed");
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

/// The database of a log, and how to connect to it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) store: Arc<str>,
    pub(crate) config: Config,
    pub(crate) connector: Connector,
    pub(crate) lock_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) statement_timeout: Duration,
}

impl Place {
    /// How long an answer to a statement may take before the connection counts as lost.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.statement_timeout.saturating_add(GRACE)
    }

    /// Opens a connection for a purpose.
    pub(crate) async fn connect(&self, purpose: Purpose) -> Result<Arc<Connection>, StoreError> {
        self.listening(purpose, Box::new(|_| ())).await
    }

    /// The same as [`connect`](Self::connect), with a listener for notifications.
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
        let late = |_| unavailable(&self.store, "timed out connecting to the server");
        let connecting = tokio::time::timeout(CONNECT, (self.connector.0)(config, listener)).await;
        let (client, driver) = connecting.map_err(late)?.map_err(failed)?;
        let watch = Watch::new(self.answer_timeout());
        tokio::spawn(drive(driver, watch.clone()));
        let setup = format!(
            "{} SELECT pg_backend_pid(), backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()",
            self.setup(purpose)
        );
        let answers =
            tokio::time::timeout(CONNECT, client.simple_query(&setup)).await.map_err(late)?.map_err(failed)?;
        let row = answers.iter().rev().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let backend = row.and_then(|row| {
            Some(Backend { pid: row.get(0)?.parse().ok()?, started: row.get(1).unwrap_or_default().to_owned() })
        });
        let backend = backend.ok_or_else(|| damaged(&self.store, "the server did not report its process id"))?;
        Ok(Arc::new(Connection::new(client, backend, watch)))
    }

    /// The statements that set up a session, or reset it.
    ///
    /// With these settings the server releases the log's lock of a client that is gone after
    /// seconds, not hours.
    pub(crate) fn setup(&self, purpose: Purpose) -> String {
        let bounds = at_most("lock_timeout", self.lock_timeout, false)
            + &at_most("statement_timeout", self.statement_timeout, false);
        let purpose = match purpose {
            Purpose::Listen => String::new(),
            Purpose::Read => "SET default_transaction_read_only = on;".to_owned(),
            Purpose::Save => "SET default_transaction_read_only = off; SET synchronous_commit = off;".to_owned(),
            Purpose::Write => {
                let idle = at_most("idle_in_transaction_session_timeout", self.idle_timeout, false);
                format!("SET default_transaction_read_only = off; {idle} {DURABLE}")
            }
        };
        format!(
            "SET standard_conforming_strings = on; SET client_min_messages = warning; SET tcp_keepalives_idle = 10; \
             SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; {bounds} {purpose}"
        )
    }
}

/// Runs a connection until it ends, or until an answer is overdue: then all callers that wait for
/// one get an error.
async fn drive(driver: Driver, watch: Watch) {
    tokio::select! {
        () = driver => {}
        () = watch.overdue() => tracing::warn!("connection to PostgreSQL lost: an answer is overdue"),
    }
}

/// Sets a timeout for the session or the transaction, unless the role or the database has a smaller
/// one. Zero means none.
pub(crate) fn at_most(setting: &str, time: Duration, transaction: bool) -> String {
    let time = i32::try_from(time.as_millis()).unwrap_or(i32::MAX).max(1);
    format!(
        "SELECT set_config('{setting}', '{time}ms', {transaction}) \
         WHERE current_setting('{setting}')::interval NOT BETWEEN '1us' AND '{time}ms'::interval;"
    )
}

/// Makes every commit wait for the disk, regardless of the server's default. A stronger setting
/// stays.
pub(crate) const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
                                  WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');";

/// Resets a session after a handler has used it.
pub(crate) const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                                SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; ";

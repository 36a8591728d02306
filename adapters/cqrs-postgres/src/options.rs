//! Options of a database connection, and the builders that set them.

use std::fmt;
use std::thread;
use std::time::Duration;

use cqrs_core::secrets::hide;
use tokio_postgres::NoTls;
use tokio_postgres::config::{Config, Host};

use crate::connect::{Connector, Place};
use crate::error::OpenError;

/// How to open a schema, for a log or for views.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) url: String,
    pub(crate) reader_url: Option<String>,
    pub(crate) schema: String,
    pub(crate) lock_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) readers: usize,
    pub(crate) notify: bool,
    pub(crate) connector: Connector,
}

/// Without the URLs, which hold passwords.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schema, lock_timeout, idle_timeout, statement_timeout, readers, notify, .. } = self;
        f.debug_struct("Options")
            .field("schema", schema)
            .field("lock_timeout", lock_timeout)
            .field("idle_timeout", idle_timeout)
            .field("statement_timeout", statement_timeout)
            .field("readers", readers)
            .field("notify", notify)
            .finish_non_exhaustive()
    }
}

impl Options {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            reader_url: None,
            schema: "public".to_owned(),
            lock_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            statement_timeout: Duration::from_secs(60),
            readers: thread::available_parallelism().map_or(4, |cores| cores.get().max(4)),
            notify: true,
            connector: Connector::new(NoTls),
        }
    }

    /// The database that a URL names, and how to connect to it.
    pub(crate) fn place(&self, url: &str) -> Result<Place, OpenError> {
        let config: Config = url.parse().map_err(|error| OpenError::Url(hide(&crate::error::reason(&error), url)))?;
        let host = config.get_hosts().first().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let host = host.or_else(|| config.get_hostaddrs().first().map(ToString::to_string));
        let Some(host) = host else { return Err(OpenError::Url("it names no host".into())) };
        if host.contains('@') {
            return Err(OpenError::Url("`@` in a user name or password must be written as `%40`".into()));
        }
        let port = config.get_ports().first().map(|port| format!(":{port}")).unwrap_or_default();
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
        Ok(Place {
            store: format!("PostgreSQL {host}{port}/{database}, schema {}", self.schema).into(),
            config,
            connector: self.connector.clone(),
            lock_timeout: self.lock_timeout,
            idle_timeout: self.idle_timeout,
            statement_timeout: self.statement_timeout,
        })
    }
}

/// A builder with the options that logs and views have in common.
macro_rules! builder {
    ($(#[$doc:meta])+ $builder:ident, $what:ident) => {
        $(#[$doc])+
        #[derive(Clone, Debug)]
        #[must_use = "nothing is opened until `.open()` is awaited"]
        pub struct $builder(pub(crate) $crate::options::Options);

        impl $builder {
            pub(crate) fn new(url: &str) -> Self {
                Self($crate::options::Options::new(url))
            }

            /// The schema that holds the tables. Default: `public`.
            ///
            /// A missing schema is created. Each schema of a database may hold a log of its own,
            /// with its own lock.
            pub fn schema(mut self, schema: impl Into<String>) -> Self {
                self.0.schema = schema.into();
                self
            }

            /// A URL for all reads: the same database, with a role that can only read.
            /// `sql/reader.sql` creates such a role. Default: the URL for writes.
            ///
            /// Do not use a replica: reads must see every earlier commit.
            pub fn reader_url(mut self, url: impl Into<String>) -> Self {
                self.0.reader_url = Some(url.into());
                self
            }

            /// Connects with TLS. Default: no TLS.
            ///
            /// Takes any connector of `tokio-postgres`, for example that of
            /// `tokio-postgres-rustls`, `postgres-native-tls` or `postgres-openssl`. The URL's
            /// `sslmode` says whether TLS is mandatory: set it to `require`.
            pub fn tls<T>(mut self, connector: T) -> Self
            where
                T: tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket> + Clone + Send + Sync + 'static,
                T::Stream: Send + 'static,
                T::TlsConnect: Send,
                <T::TlsConnect as tokio_postgres::tls::TlsConnect<tokio_postgres::Socket>>::Future: Send,
            {
                self.0.connector = $crate::connect::Connector::new(connector);
                self
            }

            /// How long to wait for a lock or a connection. Default: 30 seconds.
            ///
            /// The limit applies to a transaction that waits for the log's lock, to a reader that
            /// waits for a connection or for a table that another session has locked, and to a
            /// commit that has lost its answer and waits for the server to come back. When it runs
            /// out, the call fails with
            /// [`StoreError::Unavailable`](cqrs_core::store_error::StoreError::Unavailable). A smaller
            /// `lock_timeout` of the role or the database takes precedence.
            pub fn lock_timeout(mut self, timeout: std::time::Duration) -> Self {
                self.0.lock_timeout = timeout;
                self
            }

            /// How long a transaction may be idle between two statements before the server ends it.
            /// Default: 60 seconds.
            ///
            /// A workflow that waits in the middle of its transaction blocks all other writers for
            /// that time. A process that hangs inside a transaction keeps its projections until
            /// this timeout. A smaller `idle_in_transaction_session_timeout` of the role or the
            /// database takes precedence.
            pub fn idle_timeout(mut self, timeout: std::time::Duration) -> Self {
                self.0.idle_timeout = timeout;
                self
            }

            /// How long one statement may run on the server, including the statements of handlers.
            /// Default: 60 seconds.
            ///
            /// When it runs out, the call fails with
            /// [`StoreError::Unavailable`](cqrs_core::store_error::StoreError::Unavailable). A
            /// connection on which no answer arrives counts as lost ten seconds later. A smaller
            /// `statement_timeout` of the role or the database takes precedence. The limit does not
            /// apply to creating the tables, or to changing them for a new version of this crate.
            pub fn statement_timeout(mut self, timeout: std::time::Duration) -> Self {
                self.0.statement_timeout = timeout;
                self
            }

            /// The maximum number of read connections, at least 1. Default: the number of cores, at
            /// least 4.
            ///
            /// They are opened on demand. One more connection appends, and another one saves
            /// snapshots, if there are any. Views in a schema of their own are written by one
            /// connection, and by up to eight if a projection has partitions.
            pub fn readers(mut self, readers: usize) -> Self {
                self.0.readers = readers.max(1);
                self
            }

            /// Connects, and creates missing tables.
            ///
            /// # Errors
            /// See [`OpenError`].
            pub async fn open(self) -> Result<$what, $crate::OpenError> {
                Ok($what::new($crate::shared::Shared::open(self.0).await?))
            }
        }
    };
}
pub(crate) use builder;

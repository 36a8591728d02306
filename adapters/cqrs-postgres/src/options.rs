//! How a database is opened.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cqrs_runtime::secrets::hide;
use tokio_postgres::config::{Config, Host};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{NoTls, Socket};

use crate::connect::{Connector, Place, Purpose};
use crate::error::OpenError;
use crate::log::{PostgresLog, Shared};
use crate::pooler;
use crate::schema;
use crate::views::PostgresViews;

/// Options for [`PostgresLog::builder`].
#[derive(Clone)]
#[must_use = "nothing is opened until `.open()` is awaited"]
pub struct PostgresLogBuilder {
    url: String,
    reader_url: Option<String>,
    schema: String,
    lock_timeout: Duration,
    idle_timeout: Duration,
    statement_timeout: Duration,
    readers: usize,
    notify: bool,
    connector: Connector,
}

/// Without the URLs, which hold passwords.
impl fmt::Debug for PostgresLogBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schema, lock_timeout, idle_timeout, readers, notify, .. } = self;
        f.debug_struct("PostgresLogBuilder")
            .field("schema", schema)
            .field("lock_timeout", lock_timeout)
            .field("idle_timeout", idle_timeout)
            .field("readers", readers)
            .field("notify", notify)
            .finish_non_exhaustive()
    }
}

impl PostgresLogBuilder {
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

    /// The schema that the log lives in (`public` unless told otherwise). It is made where it is missing. Each schema of a database
    /// may hold a log of its own, with a lock of its own.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Another URL for all that reads: the same database, with a role that may only read (`sql/reader.sql` makes one).
    ///
    /// Not a replica: what is read must hold every commit made before.
    pub fn reader_url(mut self, url: impl Into<String>) -> Self {
        self.reader_url = Some(url.into());
        self
    }

    /// Connects with TLS: any connector that `tokio-postgres` takes, that of `tokio-postgres-rustls`, `postgres-native-tls` or
    /// `postgres-openssl` say. The URL's `sslmode` says whether it must be used: `require` it.
    pub fn tls<T>(mut self, connector: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        self.connector = Connector::new(connector);
        self
    }

    /// How long a statement waits for a lock: a transaction for the log's, a reader for a table that another session alters,
    /// vacuums or has locked. Also how long a reader waits for a connection, and a commit whose answer was lost for the server to
    /// come back. After that the answer is [`StoreError::Unavailable`](cqrs_runtime::log::StoreError::Unavailable). Default: 30 seconds.
    /// A smaller `lock_timeout` of the role or the database stays.
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long a workflow may think between two statements of its transaction, which holds up everybody, before the server ends it.
    /// Default: 60 seconds. A smaller `idle_in_transaction_session_timeout` of the role or the database stays. Of a process that runs projections and hangs inside a transaction nobody takes over before:
    /// its locks are the server's to release.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long a statement may run on the server, a handler's own included, whether it waits or works. After that the answer is
    /// [`StoreError::Unavailable`](cqrs_runtime::log::StoreError::Unavailable), and a connection that does not even say so counts as
    /// lost ten seconds later. Default: 60 seconds. A smaller `statement_timeout` of the role or the database stays. Making
    /// the tables, and changing them for a new version of this crate, takes the time it takes.
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// How many connections read at a time, at least one (the number of cores, and at least four, unless told otherwise).
    /// They are opened as they are needed. One more appends, and one
    /// saves snapshots, if there are any. Views of their own are written by one, and by eight at most where a projection is split.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Whether each append tells those that [listen](PostgresLog::news) (it does unless told otherwise). Commits that notify come one
    /// after the other in a whole PostgreSQL server: where many busy logs share one, and nobody listens, leave it out.
    pub fn notify(mut self, notify: bool) -> Self {
        self.notify = notify;
        self
    }

    /// Connects, and makes the tables if they are not there.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(self) -> Result<PostgresLog, OpenError> {
        Ok(PostgresLog::new(self.connect().await?))
    }

    /// The same, for views alone: the read database of level 2. Its tables of events stay empty.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_views(self) -> Result<PostgresViews, OpenError> {
        Ok(PostgresViews::new(self.connect().await?))
    }

    async fn connect(self) -> Result<Arc<Shared>, OpenError> {
        let name = self.schema.as_str();
        if name.is_empty() || name.len() > 63 || name.contains('\0') || name.starts_with("pg_") {
            return Err(OpenError::Schema(self.schema));
        }
        let writer = self.place(&self.url)?;
        let reader = self.place(self.reader_url.as_ref().unwrap_or(&self.url))?;
        let connection = schema::open(&writer, name).await?;
        if self.reader_url.is_some() {
            pooler::refuse(&reader, &reader.connect(Purpose::Read).await?, Purpose::Read).await?;
        }
        Ok(Arc::new(Shared::new(connection, writer, reader, name, self.readers, self.notify)))
    }

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
            return Err(OpenError::Url("an `@` in a user's name or password is written `%40`".into()));
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

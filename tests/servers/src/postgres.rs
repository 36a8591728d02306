//! PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tempfile::TempDir;

use crate::error::ServerError;
use crate::find::{Program, versions};
use crate::process::{Process, User, folder, is_root, on_free_port, run};

const VARIABLE: &str = "TEST_POSTGRES_URL";

/// The first of what the server is made of: the others are next to it.
const INITDB: Program = Program {
    name: "initdb",
    install: if cfg!(target_os = "macos") { "brew install postgresql@17" } else { "apt-get install postgresql" },
    variable: VARIABLE,
    folders: || {
        let debian = versions("/usr/lib/postgresql", "", "bin");
        let homebrew = ["/opt/homebrew/opt", "/usr/local/opt"].map(|opt| versions(opt, "postgresql", "bin"));
        debian.into_iter().chain(homebrew.into_iter().flatten()).collect()
    },
};

/// What a test's server need not have, so that many fit on one machine.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
shared_buffers = '64MB'
max_connections = 200
max_wal_size = '256MB'
log_min_messages = warning
fsync = on
synchronous_commit = on
";

/// A PostgreSQL server, or the one that `TEST_POSTGRES_URL` names.
pub struct Postgres {
    /// Of the superuser, without a database.
    address: Address,
    own: Option<Own>,
    databases: AtomicU32,
}

/// Where a server listens, and who asks.
enum Address {
    Local(u16),
    /// As it was given, and its parts before and after the database's name.
    Given {
        url: String,
        before: String,
        after: String,
    },
}

/// A server that this process has started.
struct Own {
    process: Mutex<Option<Process>>,
    binaries: PathBuf,
    port: u16,
    user: Option<User>,
    /// The last: it goes when the process is gone.
    folder: TempDir,
}

/// A fresh database.
pub struct Database {
    url: String,
    /// Where to drop it afterwards; a server of our own goes as a whole.
    drop: Option<(&'static Postgres, String)>,
}

impl Postgres {
    /// The server that all tests of this process share: started at the first call, or named by `TEST_POSTGRES_URL`.
    ///
    /// # Panics
    /// If there is none: the message says what to do.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| {
            let server = match std::env::var(VARIABLE) {
                Ok(url) => Self::given(&url),
                Err(_) => Self::start(),
            };
            server.unwrap_or_else(|error| panic!("{error}"))
        })
    }

    fn given(url: &str) -> Result<Self, ServerError> {
        let wrong = || ServerError::System(format!("{VARIABLE} is to be `postgres://user@host:port/database`"));
        let host = url.find("://").ok_or_else(wrong)? + 3;
        let slash = host + url[host..].find('/').ok_or_else(wrong)?;
        let query = url[slash..].find('?').map_or(url.len(), |query| slash + query);
        let (before, after) = (url[..=slash].to_owned(), url[query..].to_owned());
        let address = Address::Given { url: url.to_owned(), before, after };
        Ok(Self { address, own: None, databases: AtomicU32::new(0) })
    }

    /// A server of its own, for tests that stop it. It is as durable as one in production: every commit is on the disk.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start() -> Result<Self, ServerError> {
        let initdb = INITDB.find()?;
        let binaries = initdb.parent().map(Path::to_owned).unwrap_or_default();
        let folder = folder()?;
        let user = if is_root(folder.path()) { Some(User::named("postgres")?) } else { None };
        let own = Own { process: Mutex::default(), binaries, port: 0, user, folder };
        own.make_cluster()?;
        let (port, process) = on_free_port(|port| Ok((port, own.run(port)?)))?;
        let own = Own { port, process: Mutex::new(Some(process)), ..own };
        Ok(Self { address: Address::Local(port), own: Some(own), databases: AtomicU32::new(0) })
    }

    /// A fresh, empty database.
    ///
    /// # Panics
    /// If the server cannot make one.
    #[must_use]
    pub fn database(&'static self) -> Database {
        self.database_with("")
    }

    /// A fresh, empty database, made with these options of `CREATE DATABASE`.
    ///
    /// # Panics
    /// If the server cannot make one.
    #[must_use]
    pub fn database_with(&'static self, options: &str) -> Database {
        let name = self.next_name();
        self.sql(&format!("CREATE DATABASE {name} {options}")).unwrap_or_else(|error| panic!("{error}"));
        // On a server of our own it goes with the server: dropping one presses everything onto the disk.
        let drop = self.own.is_none().then(|| (self, name.clone()));
        Database { url: self.url(&name), drop }
    }

    /// As [`database`](Self::database), on a server that does not live as long as the process.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn new_database(&self) -> Result<Database, ServerError> {
        let name = self.next_name();
        self.sql(&format!("CREATE DATABASE {name}"))?;
        Ok(Database { url: self.url(&name), drop: None })
    }

    fn next_name(&self) -> String {
        format!("cqrs_test_{}_{}", std::process::id(), self.databases.fetch_add(1, Ordering::Relaxed))
    }

    /// The URL of a database of this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        match &self.address {
            Address::Local(port) => format!("postgres://postgres@127.0.0.1:{port}/{database}"),
            Address::Given { before, after, .. } => format!("{before}{database}{after}"),
        }
    }

    /// Runs a statement as the superuser, and returns what `psql` printed.
    fn sql(&self, sql: &str) -> Result<String, ServerError> {
        // A version that came without one takes any.
        let beside = self.own.as_ref().map(|own| own.binaries.join("psql")).filter(|psql| psql.is_file());
        let mut psql = Command::new(beside.unwrap_or_else(|| "psql".into()));
        let url = match &self.address {
            Address::Local(_) => self.url("postgres"),
            Address::Given { url, .. } => url.clone(),
        };
        run(psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--command", sql]).arg(url))
    }

    /// Stops the server as a crash of it does: at once, without writing anything down.
    ///
    /// # Errors
    /// It is not this process's own, or does not run.
    pub fn stop_immediate(&self) -> Result<(), ServerError> {
        let own = self.own()?;
        let process = own.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        process.ok_or_else(|| ServerError::System("the server does not run".into()))?.stop()
    }

    /// Starts the server again, on the same port, and waits until it has recovered.
    ///
    /// # Errors
    /// It is not this process's own, or does not start.
    pub fn restart(&self) -> Result<(), ServerError> {
        let own = self.own()?;
        let mut process = own.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.is_some() {
            return Err(ServerError::System("the server runs already".into()));
        }
        *process = Some(own.run(own.port)?);
        Ok(())
    }

    fn own(&self) -> Result<&Own, ServerError> {
        self.own.as_ref().ok_or_else(|| ServerError::System(format!("the server of {VARIABLE} is not ours to stop")))
    }
}

impl Own {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn make_cluster(&self) -> Result<(), ServerError> {
        if let Some(user) = self.user {
            std::os::unix::fs::chown(self.folder.path(), Some(user.uid), Some(user.gid))
                .map_err(|error| ServerError::failed("the server's folder cannot be given away", error))?;
        }
        let made = self.initdb(&["--locale-provider=icu", "--icu-locale=en"]);
        // Before version 15, and where it was built without ICU, the locale's own order has to do.
        made.or_else(|_| self.initdb(&["--locale=C"]))?;
        let version = std::fs::read_to_string(self.data().join("PG_VERSION")).unwrap_or_default();
        // After a crash one call presses the whole file system onto the disk, in place of one a file.
        let is_quick = cfg!(target_os = "linux") && version.trim().parse().is_ok_and(|version: u32| version >= 14);
        let quick = if is_quick { "recovery_init_sync_method = syncfs\n" } else { "" };
        let settings = format!("{SETTINGS}{quick}unix_socket_directories = '{}'\n", self.folder.path().display());
        let file = self.data().join("postgresql.auto.conf");
        std::fs::write(&file, settings).map_err(|error| ServerError::failed("the settings cannot be written", error))
    }

    fn initdb(&self, locale: &[&str]) -> Result<(), ServerError> {
        let mut initdb = Command::new(self.binaries.join("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--pgdata"]);
        initdb.arg(self.data()).args(locale).current_dir(self.folder.path());
        if let Some(user) = self.user {
            user.run(&mut initdb);
        }
        let made = run(&mut initdb).map(drop);
        if made.is_err() {
            let _ = std::fs::remove_dir_all(self.data());
        }
        made
    }

    fn run(&self, port: u16) -> Result<Process, ServerError> {
        let status = self.data().join("postmaster.pid");
        // What a server leaves that did not come to remove it.
        let _ = std::fs::remove_file(&status);
        let (program, data, number) = (self.binaries.join("postgres"), self.data(), port.to_string());
        let server = [&*program.to_string_lossy(), "-D", &data.to_string_lossy(), "-p", &number];
        let ready =
            || std::fs::read_to_string(&status).is_ok_and(|text| text.lines().nth(7).map(str::trim) == Some("ready"));
        Process::start(self.folder.path(), port, "QUIT", &server, self.user, ready)
    }
}

impl Database {
    /// Where it is, with the superuser as its user.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.drop {
            let _ = server.sql(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_its_databases_over_a_crash_and_goes_when_it_is_dropped() {
        let server = Postgres::start().unwrap_or_else(|error| panic!("{error}"));
        let database = server.new_database().expect("a database");
        let ask = |sql: &str| {
            let psql = server.own().expect("our own").binaries.join("psql");
            run(Command::new(psql).args(["-tAqc", sql, database.url()]))
        };
        ask("CREATE TABLE t (x int); INSERT INTO t VALUES (7)").expect("a table");
        server.stop_immediate().expect("it stops");
        ask("SELECT x FROM t").expect_err("it does not answer");
        server.restart().expect("it starts again");
        assert_eq!(ask("SELECT x FROM t").expect("it answers").trim(), "7");
        assert_eq!(ask("SHOW fsync").expect("it answers").trim(), "on");
        let folder = server.own().expect("our own").folder.path().to_owned();
        drop(server);
        assert!(!folder.exists(), "its folder goes");
    }

    #[test]
    fn a_port_that_is_taken_is_told_at_once() {
        let server = Postgres::start().unwrap_or_else(|error| panic!("{error}"));
        server.stop_immediate().expect("it stops");
        let listener = std::net::TcpListener::bind(("127.0.0.1", server.own().expect("our own").port));
        let _listener = listener.expect("the port is free");
        assert!(matches!(server.restart(), Err(ServerError::PortTaken(_))));
    }

    #[test]
    fn a_given_url_names_databases_beside_its_own() {
        let server = Postgres::given("postgres://ann:x@db:5433/main?sslmode=disable").expect("a URL");
        assert_eq!(server.url("other"), "postgres://ann:x@db:5433/other?sslmode=disable");
        assert!(Postgres::given("db:5433").is_err());
    }
}

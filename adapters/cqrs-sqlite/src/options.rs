//! How a file is opened.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{OpenError, is_busy};
use crate::guard::{Guard, hold_to_reading};
use crate::log::{Shared, SqliteLog};
use crate::schema::{migrate, open_error};
use crate::views::SqliteViews;

/// How long a reader waits for the file inside `SQLite`: only while another process recovers it after a crash.
const READER_BUSY: Duration = Duration::from_secs(10);

/// How hard a commit is pressed onto the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Every commit is on the disk before it is acknowledged: it survives a loss of power.
    #[default]
    Full,
    /// A commit survives the end of the program, `SIGKILL` included, but the last ones may be lost with the power. The file
    /// stays whole.
    Normal,
}

/// How a file is opened, whatever it holds.
#[derive(Clone, Debug)]
pub(crate) struct FileOptions {
    pub(crate) path: PathBuf,
    pub(crate) busy_timeout: Duration,
    pub(crate) synchronous: Synchronous,
    pub(crate) readers: usize,
}

impl FileOptions {
    fn new(path: &Path, synchronous: Synchronous) -> Self {
        let readers = thread::available_parallelism().map_or(4, |cores| cores.get().max(4));
        Self { path: path.to_owned(), busy_timeout: Duration::from_secs(30), synchronous, readers }
    }

    async fn open(mut self) -> Result<Shared, OpenError> {
        let asked = self.path.clone();
        let failed = |reason: String| OpenError::Failed { path: asked.clone(), reason };
        if self.path.as_os_str().is_empty() || self.path == Path::new(":memory:") {
            return Err(OpenError::NoFile(self.path));
        }
        if let Some(uri) = uri(&self.path) {
            return Err(OpenError::Uri { uri });
        }
        // The path keeps its meaning when the program changes its folder.
        self.path = std::path::absolute(&self.path).map_err(|error| failed(error.to_string()))?;
        let opened = tokio::task::spawn_blocking(move || Ok((open_writer(&self)?, self))).await;
        let ((connection, guard), options) = opened.map_err(|error| failed(error.to_string()))??;
        Ok(Shared::new(connection, guard, options))
    }
}

/// The URI that a path is, or ends with, without its options. `SQLite` would make a file of that name.
fn uri(path: &Path) -> Option<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let uri = |text: &str| {
        let (scheme, _) = text.split_once(':')?;
        let is_uri = ["file", "sqlite", "sqlite3"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
        is_uri.then(|| text.split(['?', '#']).next().unwrap_or_default().to_owned())
    };
    path.to_str().and_then(uri).or_else(|| name.and_then(uri))
}

macro_rules! builder {
    ($(#[$doc:meta])+ $builder:ident, $what:ident, $unless:literal, $default:expr) => {
        $(#[$doc])+
        #[derive(Clone, Debug)]
        #[must_use = "nothing is opened until `.open()` is awaited"]
        pub struct $builder(FileOptions);

        impl $builder {
            pub(crate) fn new(path: &Path) -> Self {
                Self(FileOptions::new(path, $default))
            }

            /// How long a transaction waits for the lock, in this process or another's hands, and a reader for a connection while all
            /// are in use, before it is [`Unavailable`](cqrs_runtime::log::StoreError::Unavailable). Default: 30 seconds. Readers wait for
            /// nothing else: not for a writer, and ten seconds at most while another process recovers the file after a crash.
            pub fn busy_timeout(mut self, timeout: Duration) -> Self {
                self.0.busy_timeout = timeout;
                self
            }

            #[doc = concat!("How hard a commit is pressed onto the disk (", $unless, " unless told otherwise).")]
            pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
                self.0.synchronous = synchronous;
                self
            }

            /// How many connections read at a time, at least one (the number of cores, and at least four, unless told otherwise).
            /// They are opened as they are needed.
            pub fn readers(mut self, readers: usize) -> Self {
                self.0.readers = readers.max(1);
                self
            }

            /// Opens the file, and makes it if it is not there.
            ///
            /// # Errors
            /// See [`OpenError`].
            pub async fn open(self) -> Result<$what, OpenError> {
                Ok($what::new(self.0.open().await?.into()))
            }
        }
    };
}

builder!(
    /// Options for [`SqliteLog::builder`].
    SqliteLogBuilder,
    SqliteLog,
    "[`Synchronous::Full`]",
    Synchronous::Full
);
builder!(
    /// Options for [`SqliteViews::builder`].
    SqliteViewsBuilder,
    SqliteViews,
    "[`Synchronous::Normal`]: what a loss of power takes is folded from the log again",
    Synchronous::Normal
);

/// The connection that writes.
pub(crate) fn open_writer(options: &FileOptions) -> Result<(Connection, Guard), OpenError> {
    let path = &options.path;
    if path.parent().is_some_and(|folder| !folder.is_dir()) {
        return Err(OpenError::NoFolder(path.clone()));
    }
    let failed = |error: &rusqlite::Error| open_error(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| failed(&error))?;
    connection.busy_timeout(options.busy_timeout).map_err(|error| failed(&error))?;
    write_ahead(&connection, options)?;
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = {synchronous};
             PRAGMA fullfsync = ON;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -16384;
             PRAGMA journal_size_limit = 67108864;"
        ))
        .map_err(|error| failed(&error))?;
    migrate(&mut connection, path)?;
    prepare(&connection).map_err(|error| failed(&error))?;
    // From here on the waiting is done outside, without holding up a thread.
    connection.busy_timeout(Duration::ZERO).map_err(|error| failed(&error))?;
    let guard = Guard::install(&mut connection).map_err(|error| failed(&error))?;
    Ok((connection, guard))
}

/// Puts the file into write-ahead mode. Where several processes do so at once, `SQLite` answers "busy" without waiting.
fn write_ahead(connection: &Connection, options: &FileOptions) -> Result<(), OpenError> {
    let started = std::time::Instant::now();
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(mode) => return Err(OpenError::NoWal { path: options.path.clone(), mode }),
            Err(error) if is_busy(&error) && started.elapsed() < options.busy_timeout => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(open_error(&options.path, &error)),
        }
    }
}

/// A connection that cannot write: opened so, and told so.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(READER_BUSY)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;")?;
    prepare(&connection)?;
    hold_to_reading(&mut connection)?;
    Ok(connection)
}

/// A connection that writes snapshots, and neither waits for the disk nor for other processes.
pub(crate) fn open_snapshot_writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    // Moving the write-ahead log into the file is left to the connection that appends: that waits for the disk.
    connection.execute_batch(
        "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;",
    )?;
    Ok(connection)
}

/// What readers and the writer have in common.
pub(crate) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(128);
    rusqlite::vtab::array::load_module(connection)
}

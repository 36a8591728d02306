//! Opening connections.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{OpenError, is_busy};
use crate::guard::{Guard, hold_to_reading};
use crate::options::{FileOptions, Synchronous};
use crate::schema::{migrate, open_error};

/// How long SQLite may block a reader. Readers block only while another process recovers the file
/// after a crash.
const READER_BUSY: Duration = Duration::from_secs(10);

/// Opens the connection that writes.
pub(crate) fn open_writer(options: &FileOptions) -> Result<(Connection, Guard), OpenError> {
    let path = &options.path;
    if path.parent().is_some_and(|folder| !folder.is_dir()) {
        return Err(OpenError::NoFolder(path.clone()));
    }
    let failed = |error: &rusqlite::Error| open_error(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| failed(&error))?;
    connection.busy_timeout(options.lock_timeout).map_err(|error| failed(&error))?;
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
    // From here on, waiting for the lock is asynchronous and blocks no thread.
    connection.busy_timeout(Duration::ZERO).map_err(|error| failed(&error))?;
    let guard = Guard::install(&mut connection).map_err(|error| failed(&error))?;
    Ok((connection, guard))
}

/// Puts the file into write-ahead mode. If several processes do so at once, `SQLite` answers "busy"
/// without waiting.
fn write_ahead(connection: &Connection, options: &FileOptions) -> Result<(), OpenError> {
    let started = std::time::Instant::now();
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(mode) => return Err(OpenError::NoWal { path: options.path.clone(), mode }),
            Err(error) if is_busy(&error) && started.elapsed() < options.lock_timeout => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(open_error(&options.path, &error)),
        }
    }
}

/// Opens a connection that cannot write: the file is opened read-only, and `query_only` is set.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(READER_BUSY)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;")?;
    prepare(&connection)?;
    hold_to_reading(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that writes snapshots. It waits neither for the disk nor for other processes.
pub(crate) fn open_snapshot_writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    // Checkpoints of the write-ahead log wait for the disk: only the connection that appends does
    // them.
    connection.execute_batch(
        "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;",
    )?;
    Ok(connection)
}

/// The setup that readers and the writer share.
pub(crate) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(128);
    rusqlite::vtab::array::load_module(connection)
}

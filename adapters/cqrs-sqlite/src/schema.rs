//! The schema, and its migrations.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};

use crate::error::OpenError;

/// The migrations. Entry n leads from schema version n to n + 1.
///
/// The version is stored in a table, not in `PRAGMA user_version`: the application may have its own
/// tables in the file, and its migration tool is likely to use the pragma.
const MIGRATIONS: [&str; 5] = [
    "
    CREATE TABLE cqrs_events (
        position INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        tags TEXT NOT NULL,
        data TEXT NOT NULL,
        meta TEXT NOT NULL,
        recorded_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX cqrs_events_by_name ON cqrs_events (name, position);
    CREATE TABLE cqrs_event_tags (
        tag TEXT NOT NULL,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (tag, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE cqrs_commands (
        id TEXT NOT NULL PRIMARY KEY,
        command TEXT NOT NULL,
        position INTEGER NOT NULL,
        events INTEGER NOT NULL,
        returned TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE cqrs_shapes (
        view TEXT NOT NULL PRIMARY KEY,
        fingerprint INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE cqrs_checkpoints (
        projection TEXT NOT NULL PRIMARY KEY,
        position INTEGER NOT NULL,
        fingerprint INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE cqrs_parked (
        projection TEXT NOT NULL,
        key TEXT NOT NULL,
        position INTEGER NOT NULL,
        event TEXT NOT NULL,
        error TEXT NOT NULL,
        PRIMARY KEY (projection, key)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE cqrs_snapshots (
        aggregate TEXT NOT NULL,
        tag TEXT NOT NULL,
        fingerprint INTEGER NOT NULL,
        position INTEGER NOT NULL,
        event BLOB NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (aggregate, tag)
    ) STRICT;
    ALTER TABLE cqrs_parked ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
    CREATE TABLE cqrs_leases (
        projection TEXT NOT NULL PRIMARY KEY,
        owner TEXT NOT NULL,
        token INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE cqrs_checkpoints ADD COLUMN event BLOB;
",
    "
    CREATE TABLE cqrs_names (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        generation INTEGER NOT NULL,
        declared_at INTEGER NOT NULL,
        declared_by TEXT NOT NULL,
        replaced_by TEXT,
        PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO cqrs_names (kind, name, generation, declared_at, declared_by)
    SELECT 'policy', substr(projection, 8), 0, 0, '' FROM cqrs_checkpoints WHERE substr(projection, 1, 7) = 'policy:';
",
    // Rows of older programs have none of these, and an older program may still be running.
    "
    ALTER TABLE cqrs_commands ADD COLUMN content TEXT;
    ALTER TABLE cqrs_commands ADD COLUMN recorded_at INTEGER;
    ALTER TABLE cqrs_leases ADD COLUMN length INTEGER;
",
];

/// The newest version that this program supports.
pub(crate) const VERSION: i64 = 5;
const _: () = assert!(MIGRATIONS.len() == 5, "one migration a version");

/// Migrates a file to the newest schema. Several processes may try at once.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |error: &rusqlite::Error| open_error(path, error);
    if version(connection, path)? == VERSION {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| failed(&error))?;
    // Another process may have migrated it by now.
    let mut at = version(&transaction, path)?;
    while let Some(migration) = usize::try_from(at).ok().and_then(|at| MIGRATIONS.get(at)) {
        transaction.execute_batch(migration).map_err(|error| failed(&error))?;
        at += 1;
    }
    transaction
        .execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS cqrs_schema (version INTEGER NOT NULL) STRICT;
             DELETE FROM cqrs_schema;
             INSERT INTO cqrs_schema (version) VALUES ({at});"
        ))
        .map_err(|error| failed(&error))?;
    transaction.commit().map_err(|error| failed(&error))
}

/// The file's schema version: 0 if it has none of this crate's tables.
fn version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let failed = |error: &rusqlite::Error| open_error(path, error);
    // One statement: between two, another process may create the tables.
    let sql = r"SELECT name FROM main.sqlite_schema WHERE name LIKE 'cqrs\_%' ESCAPE '\'
                ORDER BY name = 'cqrs_schema' DESC LIMIT 1";
    let table = connection.query_row(sql, [], |row| row.get::<_, String>(0)).optional();
    match table.map_err(|error| failed(&error))? {
        None => return Ok(0),
        Some(table) if table != "cqrs_schema" => return Err(OpenError::Foreign { path: path.to_owned(), table }),
        Some(_) => {}
    }
    let found = connection
        .query_row("SELECT version FROM main.cqrs_schema", [], |row| row.get(0))
        .map_err(|error| failed(&error))?;
    if found > VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}

/// Converts an error of the first statements on a file.
pub(crate) fn open_error(path: &Path, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase(path.to_owned()),
        _ => OpenError::Failed { path: path.to_owned(), reason: error.to_string() },
    }
}

//! The schema, and its migrations.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::connect::{Place, Purpose};
use crate::connection::Connection;
use crate::error::{OpenError, reason, store_error};
use crate::events::column;
use crate::pooler;
use crate::sql::Sql;
use crate::text::quoted;

/// The migrations. Entry n leads from schema version n to n + 1. `@` stands for the schema's name.
///
/// Texts are compared byte by byte, regardless of the database's collation.
const MIGRATIONS: [&str; 5] = [
    r#"
    CREATE TABLE @.cqrs_events (
        position bigint PRIMARY KEY,
        id uuid NOT NULL,
        name text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        tags text[] NOT NULL,
        data text NOT NULL,
        meta text NOT NULL,
        recorded_at timestamptz NOT NULL
    );
    CREATE INDEX cqrs_events_by_name ON @.cqrs_events (name, position);
    CREATE TABLE @.cqrs_event_tags (
        tag text COLLATE "C" NOT NULL,
        position bigint NOT NULL,
        name text COLLATE "C" NOT NULL,
        PRIMARY KEY (tag, position) INCLUDE (name)
    );
    CREATE TABLE @.cqrs_commands (
        id text COLLATE "C" PRIMARY KEY,
        command text NOT NULL,
        position bigint NOT NULL,
        events bigint NOT NULL,
        returned text NOT NULL
    );
    CREATE TABLE @.cqrs_marks (
        id uuid PRIMARY KEY,
        made timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE @.cqrs_shapes (
        view text COLLATE "C" PRIMARY KEY,
        fingerprint bigint NOT NULL
    );
    CREATE TABLE @.cqrs_checkpoints (
        projection text COLLATE "C" PRIMARY KEY,
        position bigint NOT NULL,
        fingerprint bigint NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE @.cqrs_parked (
        projection text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        long_key text,
        position bigint NOT NULL,
        event text NOT NULL,
        error text NOT NULL,
        attempts bigint NOT NULL,
        PRIMARY KEY (projection, key)
    );
    CREATE TABLE @.cqrs_leases (
        projection text COLLATE "C" PRIMARY KEY,
        owner text NOT NULL,
        token bigint NOT NULL,
        until timestamptz NOT NULL
    );
    CREATE TABLE @.cqrs_schema (version bigint NOT NULL);
"#,
    r#"
    CREATE TABLE @.cqrs_snapshots (
        aggregate text COLLATE "C" NOT NULL,
        tag text COLLATE "C" NOT NULL,
        fingerprint bigint NOT NULL,
        position bigint NOT NULL,
        event uuid NOT NULL,
        state text NOT NULL,
        PRIMARY KEY (aggregate, tag)
    );
"#,
    r"
    ALTER TABLE @.cqrs_checkpoints ADD COLUMN event uuid;
",
    r#"
    CREATE TABLE @.cqrs_names (
        kind text COLLATE "C" NOT NULL,
        name text COLLATE "C" NOT NULL,
        generation bigint NOT NULL,
        declared_at bigint NOT NULL,
        declared_by text NOT NULL,
        replaced_by text,
        PRIMARY KEY (kind, name)
    );
    INSERT INTO @.cqrs_names (kind, name, generation, declared_at, declared_by)
    SELECT 'policy', substr(projection, 8), 0, 0, '' FROM @.cqrs_checkpoints WHERE left(projection, 7) = 'policy:';
"#,
    // Rows of older programs have none of these, and an older program may still be running.
    "
    ALTER TABLE @.cqrs_commands
        ADD COLUMN long_id text,
        ADD COLUMN content text,
        ADD COLUMN recorded_at timestamptz;
    ALTER TABLE @.cqrs_leases ADD COLUMN length bigint;
",
];

/// The newest version that this program supports.
pub(crate) const VERSION: i64 = 5;
const _: () = assert!(MIGRATIONS.len() == 5, "one migration a version");

/// The oldest supported version of the server.
const OLDEST_SERVER: i32 = 130_000;

/// The advisory locks of a schema: one for its log, and one for creating its tables.
///
/// They depend on the schema's name only, which stays the same when the database is dumped and
/// restored. If two names happen to get the same lock, one log waits for the other.
pub(crate) fn lock_keys(schema: &str) -> (i64, i64) {
    use sha2::{Digest, Sha256};
    let key = |what: &str| {
        let digest = Sha256::digest(format!("cqrs-postgres {what} {schema}"));
        digest.iter().take(8).fold(0_i64, |key, byte| (key << 8) | i64::from(*byte))
    };
    (key("log"), key("schema"))
}

/// Connects for the first time, checks the server, and migrates the schema. Several processes may
/// try at once.
pub(crate) async fn open(place: &Place, schema: &str) -> Result<Arc<Connection>, OpenError> {
    let connection = place.connect(Purpose::Write).await?;
    pooler::refuse(place, &connection, Purpose::Write).await?;
    let failed = |error: tokio_postgres::Error| OpenError::Store(store_error(&place.store, &error));
    let server = "SELECT current_setting('server_version_num')::int, current_setting('server_version'),
                         current_setting('server_encoding')";
    let server = connection.query(Sql::new(server)).await.map_err(failed)?;
    for row in &server {
        let text = |place_in_row| column::<String>(&place.store, row, place_in_row);
        let store = place.store.to_string();
        if column::<i32>(&place.store, row, 0)? < OLDEST_SERVER {
            return Err(OpenError::TooOld { store, found: text(1)? });
        }
        if text(2)? != "UTF8" {
            return Err(OpenError::Encoding { store, found: text(2)? });
        }
    }
    if version(place, &connection, schema).await? == VERSION {
        return Ok(connection);
    }
    // Migrations have no time limit.
    connection.watch.allow(Duration::MAX);
    let key = lock_keys(schema).1;
    connection
        .send_text(format!("BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({key})"))
        .await
        .map_err(failed)?;
    // Another process may have migrated it by now.
    let found = version(place, &connection, schema).await?;
    let mut at = found;
    let name = quoted(schema);
    let there = Sql::new("SELECT FROM pg_namespace WHERE nspname = $1").with(schema.to_owned(), Type::NAME);
    let mut script = String::new();
    if connection.query(there).await.map_err(failed)?.is_empty() {
        // Only if it is missing: the role may not be allowed to create schemas.
        script = format!("CREATE SCHEMA {name};");
    }
    while let Some(migration) = usize::try_from(at).ok().and_then(|at| MIGRATIONS.get(at)) {
        script.push_str(&migration.replace('@', &name));
        at += 1;
    }
    let version = format!("DELETE FROM {name}.cqrs_schema; INSERT INTO {name}.cqrs_schema VALUES ({at}); COMMIT");
    match connection.send_text(script + &version).await {
        Ok(()) => {
            connection.watch.allow(place.answer_timeout());
            Ok(connection)
        }
        Err(error) if found > 0 && error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            let (store, reason) = (place.store.to_string(), reason(&error));
            Err(OpenError::Older { store, found, needed: VERSION, reason })
        }
        Err(error) => Err(failed(error)),
    }
}

/// The schema's version: 0 if it has none of this crate's tables.
async fn version(place: &Place, connection: &Arc<Connection>, schema: &str) -> Result<i64, OpenError> {
    let failed = |error: tokio_postgres::Error| OpenError::Store(store_error(&place.store, &error));
    // One statement: between two, another process may create the tables.
    let sql = r"SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = $1 AND c.relname LIKE 'cqrs\_%' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
                ORDER BY c.relname = 'cqrs_schema' DESC LIMIT 1";
    let tables = connection.query(Sql::new(sql).with(schema.to_owned(), Type::NAME)).await.map_err(failed)?;
    let store = place.store.to_string();
    match tables.first().map(|row| column::<String>(&store, row, 0)).transpose()?.as_deref() {
        None => return Ok(0),
        Some("cqrs_schema") => {}
        Some(table) => return Err(OpenError::Foreign { store, table: table.to_owned() }),
    }
    let foreign = || OpenError::Foreign { store: store.clone(), table: "cqrs_schema".to_owned() };
    let sql = Sql::new(format!("SELECT version FROM {}.cqrs_schema", quoted(schema)));
    let rows = connection.query(sql).await.map_err(|error| match error.code() {
        Some(code) if *code == SqlState::UNDEFINED_COLUMN => foreign(),
        _ => failed(error),
    })?;
    let found: i64 = rows.first().and_then(|row| row.try_get(0).ok()).ok_or_else(foreign)?;
    if found > VERSION {
        return Err(OpenError::Newer { store, found, known: VERSION });
    }
    Ok(found)
}

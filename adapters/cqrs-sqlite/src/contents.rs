//! Lists and removes the views and projections in a file.

use std::time::Duration;

use cqrs_core::view::{Contents, Removal};
use rusqlite::{Connection, OptionalExtension};

use crate::{leases, rows};

pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Contents> {
    let mut statement = connection.prepare("SELECT projection FROM main.cqrs_checkpoints ORDER BY projection")?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut checkpoints = Vec::with_capacity(names.len());
    for name in names {
        let checkpoint = rows::checkpoint(connection, &name)?;
        checkpoints.extend(checkpoint.map(|checkpoint| (name, checkpoint)));
    }
    let mut statement = connection.prepare("SELECT view FROM main.cqrs_shapes ORDER BY view")?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut views = Vec::with_capacity(names.len());
    for name in names {
        let sql = format!("SELECT count(*) FROM {}", rows::table(&name));
        let number: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
        views.push((name, number.unsigned_abs()));
    }
    Ok(Contents { checkpoints, views, leases: leases::idle(connection)? })
}

/// Removes views and projections. Returns `false`, and removes nothing, if the lease `mark` is held
/// or ran out less than `unused` ago.
pub(crate) fn remove(
    connection: &Connection,
    removal: &Removal,
    mark: &str,
    unused: Duration,
) -> rusqlite::Result<bool> {
    if leases::is_used(connection, mark, unused)? {
        return Ok(false);
    }
    for view in &removal.views {
        let sql = "DELETE FROM main.cqrs_shapes WHERE view = ?1 RETURNING view";
        let known: Option<String> = connection.query_row(sql, [view], |row| row.get(0)).optional()?;
        if known.is_some() {
            rows::drop_tables(connection, view)?;
        }
    }
    for projection in &removal.projections {
        connection.execute("DELETE FROM main.cqrs_checkpoints WHERE projection = ?1", [projection])?;
        connection.execute("DELETE FROM main.cqrs_parked WHERE projection = ?1", [projection])?;
    }
    connection.execute("DELETE FROM main.cqrs_leases WHERE projection = ?1", [mark])?;
    Ok(true)
}

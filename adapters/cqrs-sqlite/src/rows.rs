//! Views, checkpoints and parked keys as rows.

use std::rc::Rc;

use cqrs_core::log::{Position, StoreError};
use cqrs_core::view::{Checkpoint, ColumnKind, OtherShape, Parked, Removed, Row, Value, ViewShape};
use rusqlite::types::{FromSqlResult, ValueRef};
use rusqlite::vtab::array::Array;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::error::store_error;
use crate::events;
use crate::sql::{Parameter, Sql, bound, clamped, column_value, quoted};

/// The table of a view, quoted for SQL.
pub(crate) fn table(view: &str) -> String {
    format!("main.{}", quoted(&table_name(view)))
}

/// The table of a multi-valued index of a view, quoted for SQL.
pub(crate) fn multi_table(view: &str, place: usize) -> String {
    format!("main.{}", quoted(&multi_name(view, place)))
}

/// `cqrs_multi_0_order_summary` for the first one of `OrderSummary`. It has the columns `cqrs_key` and `cqrs_value`.
pub(crate) fn multi_name(view: &str, place: usize) -> String {
    format!("cqrs_multi_{place}{}", lower(view))
}

/// Drops the tables of a view.
pub(crate) fn drop_tables(connection: &Connection, view: &str) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("DROP TABLE IF EXISTS {}", table(view)))?;
    let exists = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1)";
    for place in 0.. {
        if !connection.query_row(exists, [multi_name(view, place)], |row| row.get::<_, bool>(0))? {
            break;
        }
        connection.execute_batch(&format!("DROP TABLE {}", multi_table(view, place)))?;
    }
    Ok(())
}

/// `cqrs_view_order_summary` for `OrderSummary`.
pub(crate) fn table_name(view: &str) -> String {
    format!("cqrs_view{}", lower(view))
}

/// A unique name for a view: `SQLite` compares names without regard to case.
pub(crate) fn lower(name: &str) -> String {
    let mut lower = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() || letter == '_' {
            lower.push('_');
        }
        lower.push(letter.to_ascii_lowercase());
    }
    lower
}

/// The columns of a row.
pub(crate) const COLUMNS: fn(&ViewShape) -> String = |shape| {
    let mut columns = "v.cqrs_key, cqrs_position, cqrs_document".to_owned();
    for index in shape.indexes {
        columns.push_str(", ");
        columns.push_str(&quoted(index.name));
    }
    columns
};

/// The rows that a statement returns.
pub(crate) fn read(connection: &Connection, store: &str, shape: &ViewShape, sql: Sql) -> Result<Vec<Row>, StoreError> {
    let read = || -> rusqlite::Result<Vec<Row>> {
        let mut statement = connection.prepare_cached(&sql.text)?;
        let rows = statement.query_map(params_from_iter(bound(sql.parameters)), |row| stored(shape, row))?;
        rows.collect()
    };
    read().map_err(|error| store_error(store, &error))
}

/// Values of an index, and the numbers of rows with them.
pub(crate) fn counted(
    connection: &Connection,
    store: &str,
    kind: ColumnKind,
    sql: Sql,
) -> Result<Vec<(Value, u64)>, StoreError> {
    let read = || -> rusqlite::Result<Vec<(Value, u64)>> {
        let mut statement = connection.prepare_cached(&sql.text)?;
        let one = |row: &rusqlite::Row<'_>| Ok((value(kind, row.get_ref(0)?)?, row.get::<_, i64>(1)?.unsigned_abs()));
        statement.query_map(params_from_iter(bound(sql.parameters)), one)?.collect()
    };
    read().map_err(|error| store_error(store, &error))
}

/// The sum that a statement returns. `None` if it does not fit the type.
pub(crate) fn sum(
    connection: &Connection,
    store: &str,
    kind: ColumnKind,
    sql: Sql,
) -> Result<Option<Value>, StoreError> {
    let read = || -> rusqlite::Result<Value> {
        let mut statement = connection.prepare_cached(&sql.text)?;
        statement.query_row(params_from_iter(bound(sql.parameters)), |row| Ok(value(kind, row.get_ref(0)?)?))
    };
    match read() {
        Ok(Value::Null) if kind == ColumnKind::Integer => Ok(Some(Value::Integer(0))),
        Ok(Value::Null) => Ok(Some(Value::Real(0.0))),
        Ok(sum) => Ok(Some(sum)),
        Err(rusqlite::Error::SqliteFailure(_, Some(message))) if message == "integer overflow" => Ok(None),
        Err(error) => Err(store_error(store, &error)),
    }
}

/// The number that a statement returns.
pub(crate) fn number(connection: &Connection, store: &str, sql: Sql) -> Result<u64, StoreError> {
    let read = || -> rusqlite::Result<i64> {
        let mut statement = connection.prepare_cached(&sql.text)?;
        statement.query_row(params_from_iter(bound(sql.parameters)), |row| row.get(0))
    };
    read().map(i64::unsigned_abs).map_err(|error| store_error(store, &error))
}

/// The rows of these keys.
pub(crate) fn by_keys(shape: &ViewShape, keys: &[String]) -> Sql {
    let mut sql = Sql::default();
    sql.push("SELECT ").push(&COLUMNS(shape)).push(" FROM ").push(&table(shape.name));
    sql.push(" AS v WHERE v.cqrs_key IN rarray(").bind(Parameter::texts(keys.iter().map(String::as_str))).push(")");
    sql
}

fn stored(shape: &ViewShape, row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let indexes =
        shape.indexes.iter().enumerate().map(|(place, index)| Ok(value(index.kind, row.get_ref(3 + place)?)?));
    Ok(Row {
        indexes: indexes.collect::<rusqlite::Result<_>>()?,
        multi_values: Vec::new(),
        key: row.get(0)?,
        document: row.get(2)?,
        position: position(row, 1)?,
    })
}

fn value(kind: ColumnKind, column: ValueRef<'_>) -> FromSqlResult<Value> {
    Ok(match (kind, column) {
        (_, ValueRef::Null) => Value::Null,
        (ColumnKind::Bool, column) => Value::Bool(column.as_i64()? != 0),
        (ColumnKind::Integer, column) => Value::Integer(column.as_i64()?),
        (ColumnKind::Real, column) => Value::Real(column.as_f64()?),
        (ColumnKind::Text, column) => Value::Text(column.as_str()?.to_owned()),
    })
}

fn position(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Position> {
    let number: i64 = row.get(column)?;
    let number = u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))?;
    Ok(Position::new(number))
}

/// Inserts or replaces rows, and removes others.
pub(crate) fn write(
    connection: &Connection,
    shape: &ViewShape,
    put: &[Row],
    remove: &[Removed],
) -> rusqlite::Result<()> {
    for row in put {
        let misfit = |error: OtherShape| rusqlite::Error::InvalidParameterCount(error.has, error.needs);
        shape.check(row).map_err(misfit)?;
    }
    if !put.is_empty() {
        let mut statement = connection.prepare_cached(&upsert(shape))?;
        for row in put {
            statement.raw_bind_parameter(1, &row.key)?;
            statement.raw_bind_parameter(2, clamped(row.position.get()))?;
            statement.raw_bind_parameter(3, &*row.document)?;
            for (place, value) in row.indexes.iter().enumerate() {
                statement.raw_bind_parameter(4 + place, column_value(value))?;
            }
            statement.raw_execute()?;
        }
    }
    if !remove.is_empty() {
        let sql = format!("DELETE FROM {} WHERE cqrs_key = ?1", table(shape.name));
        let mut statement = connection.prepare_cached(&sql)?;
        for removed in remove {
            statement.execute([&removed.key])?;
        }
    }
    (0..shape.multi_indexes.len()).try_for_each(|place| write_values(connection, shape, place, put, remove))
}

/// Stores the values of a multi-valued index. Values that stay are not touched.
fn write_values(
    connection: &Connection,
    shape: &ViewShape,
    place: usize,
    put: &[Row],
    remove: &[Removed],
) -> rusqlite::Result<()> {
    let table = multi_table(shape.name, place);
    let sql = format!("DELETE FROM {table} WHERE cqrs_key = ?1 AND cqrs_value NOT IN rarray(?2)");
    let mut delete = connection.prepare_cached(&sql)?;
    let sql = format!("INSERT OR IGNORE INTO {table} (cqrs_key, cqrs_value) SELECT ?1, value FROM rarray(?2)");
    let mut insert = connection.prepare_cached(&sql)?;
    let removed = remove.iter().map(|removed| (&removed.key, &[] as &[Value]));
    for (key, values) in put.iter().map(|row| (&row.key, &*row.multi_values[place])).chain(removed) {
        let values: Array = Rc::new(values.iter().map(column_value).collect());
        delete.execute(params![key, values])?;
        insert.execute(params![key, values])?;
    }
    Ok(())
}

fn upsert(shape: &ViewShape) -> String {
    let values: Vec<String> = (1..=3 + shape.indexes.len()).map(|number| format!("?{number}")).collect();
    let indexes = shape.indexes.iter().map(|index| quoted(index.name));
    let columns = ["cqrs_position".to_owned(), "cqrs_document".to_owned()].into_iter().chain(indexes);
    let sets: Vec<String> = columns.map(|column| format!("{column} = excluded.{column}")).collect();
    format!(
        "INSERT INTO {} AS v ({}) VALUES ({}) ON CONFLICT (cqrs_key) DO UPDATE SET {}",
        table(shape.name),
        COLUMNS(shape).trim_start_matches("v."),
        values.join(", "),
        sets.join(", ")
    )
}

/// Removes the checkpoints of all projections that fill a view of this shape.
pub(crate) fn unclaim(connection: &Connection, shape: &ViewShape) -> rusqlite::Result<()> {
    let sql = "DELETE FROM main.cqrs_checkpoints WHERE fingerprint = ?1";
    connection.execute(sql, [shape.fingerprint.cast_signed()]).map(drop)
}

/// Removes all rows of a view, the checkpoints of all projections that fill it, and the parked keys
/// and the checkpoint of this projection.
pub(crate) fn clear(connection: &Connection, shape: Option<&ViewShape>, projection: &str) -> rusqlite::Result<()> {
    if let Some(shape) = shape {
        connection.execute(&format!("DELETE FROM {}", table(shape.name)), [])?;
        for place in 0..shape.multi_indexes.len() {
            connection.execute(&format!("DELETE FROM {}", multi_table(shape.name, place)), [])?;
        }
        unclaim(connection, shape)?;
    }
    connection.execute("DELETE FROM main.cqrs_parked WHERE projection = ?1", [projection])?;
    connection.execute("DELETE FROM main.cqrs_checkpoints WHERE projection = ?1", [projection])?;
    Ok(())
}

/// The checkpoint of a projection.
pub(crate) fn checkpoint(connection: &Connection, projection: &str) -> rusqlite::Result<Option<Checkpoint>> {
    let mut statement = connection
        .prepare_cached("SELECT position, fingerprint, event FROM main.cqrs_checkpoints WHERE projection = ?1")?;
    let checkpoint = |row: &rusqlite::Row<'_>| {
        Ok(Checkpoint {
            position: position(row, 0)?,
            fingerprint: row.get::<_, i64>(1)?.cast_unsigned(),
            event: events::id(row, 2)?,
        })
    };
    statement.query_row([projection], checkpoint).optional()
}

/// Stores the checkpoints of projections.
pub(crate) fn set_checkpoints(
    connection: &Connection,
    checkpoints: &[(&'static str, Checkpoint)],
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO main.cqrs_checkpoints (projection, position, fingerprint, event) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (projection) DO UPDATE
         SET position = excluded.position, fingerprint = excluded.fingerprint, event = excluded.event",
    )?;
    for (projection, checkpoint) in checkpoints {
        let position = clamped(checkpoint.position.get());
        let event = checkpoint.event.as_ref().map(|event| event.as_bytes().as_slice());
        statement.execute(params![projection, position, checkpoint.fingerprint.cast_signed(), event])?;
    }
    Ok(())
}

/// The parked keys of all projections.
pub(crate) fn parked(connection: &Connection) -> rusqlite::Result<Vec<Parked>> {
    let mut statement = connection.prepare_cached(
        "SELECT projection, key, position, event, error, attempts FROM main.cqrs_parked ORDER BY projection, key",
    )?;
    let parked = |row: &rusqlite::Row<'_>| {
        Ok(Parked {
            projection: row.get(0)?,
            key: row.get(1)?,
            position: position(row, 2)?,
            event: row.get(3)?,
            error: row.get(4)?,
            attempts: row.get(5)?,
        })
    };
    statement.query_map([], parked)?.collect()
}

/// Parks keys.
pub(crate) fn park(connection: &Connection, parked: &[Parked]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO main.cqrs_parked (projection, key, position, event, error, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for Parked { projection, key, position, event, error, attempts } in parked {
        statement.execute(params![projection, key, clamped(position.get()), event, error, attempts])?;
    }
    Ok(())
}

/// Unparks a key, if it is parked.
pub(crate) fn unpark(connection: &Connection, projection: &str, key: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM main.cqrs_parked WHERE projection = ?1 AND key = ?2";
    connection.prepare_cached(sql)?.execute([projection, key]).map(drop)
}

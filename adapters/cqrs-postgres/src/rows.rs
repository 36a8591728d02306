//! Views, checkpoints and parked keys as rows.

use cqrs_core::log::StoreError;
use cqrs_core::view::{Checkpoint, ColumnKind, Generation, Parked, Removed, Row, Value, ViewShape};
use tokio_postgres::types::Type;

use crate::error::damaged;
use crate::events::{column, position};
use crate::sql::Sql;
use crate::text::{LONGEST, clamped, escape, is_shortened, key, quoted, shortened, unescape};

/// The table of a view, quoted for SQL.
pub(crate) fn table(schema: &str, view: &str) -> String {
    format!("{schema}.{}", quoted(&table_name(view)))
}

/// The table of a multi-valued index of a view, quoted for SQL. It has the columns `cqrs_key` and `cqrs_value`.
pub(crate) fn multi_table(schema: &str, view: &str, place: usize) -> String {
    format!("{schema}.{}", quoted(&multi_name(view, place)))
}

/// `cqrs_multi_0_order_summary` for the first one of `OrderSummary`.
pub(crate) fn multi_name(view: &str, place: usize) -> String {
    format!("cqrs_multi_{place}{}", lower(view))
}

/// Returns the name of the table of a multi-valued index, if there is such a table.
pub(crate) fn known_multi_table(schema: &str, view: &str, place: usize) -> Sql {
    Sql::new("SELECT to_regclass($1)::text WHERE to_regclass($1) IS NOT NULL")
        .with(multi_table(schema, view, place), Type::TEXT)
}

/// `cqrs_view_order_summary` for `OrderSummary`.
pub(crate) fn table_name(view: &str) -> String {
    format!("cqrs_view{}", lower(view))
}

/// A unique name for a view, which needs no quotes if possible.
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
pub(crate) fn columns(shape: &ViewShape) -> String {
    let mut columns = "v.cqrs_key, cqrs_long_key, cqrs_position, cqrs_document".to_owned();
    for index in shape.indexes {
        columns.push_str(", ");
        columns.push_str(&quoted(index.name));
    }
    columns
}

/// The rows of these keys.
pub(crate) fn by_keys(schema: &str, shape: &ViewShape, keys: &[String]) -> Sql {
    let mut sql = Sql::new(format!("SELECT {} FROM {} AS v", columns(shape), table(schema, shape.name)));
    let keys: Vec<String> = keys.iter().map(|text| key(text)).collect();
    sql.push(" WHERE cqrs_key = ANY (").bind(keys, Type::TEXT_ARRAY).push(")");
    sql
}

/// Returns a row if a view's table is the one that this transaction's state has under its name. A
/// rebuild may have put another one in its place, whose rows that state lacks.
pub(crate) fn same_table(schema: &str, shape: &ViewShape) -> Sql {
    Sql::new("SELECT 1 FROM pg_class WHERE oid = to_regclass($1) AND relname = $2")
        .with(table(schema, shape.name), Type::TEXT)
        .with(crate::text::identifier(&table_name(shape.name)), Type::TEXT)
}

/// Decodes rows.
pub(crate) fn stored(store: &str, shape: &ViewShape, rows: &[tokio_postgres::Row]) -> Result<Vec<Row>, StoreError> {
    let one = |row: &tokio_postgres::Row| {
        let key: &str = column(store, row, 0)?;
        let long: Option<&str> = column(store, row, 1)?;
        let value = |(place, kind)| value(store, row, place, kind);
        Ok(Row {
            multi_values: Vec::new(),
            key: unescape(long.unwrap_or(key)),
            position: position(store, row, 2)?,
            document: unescape(column(store, row, 3)?).into(),
            indexes: (4..).zip(shape.indexes.iter().map(|index| index.kind)).map(value).collect::<Result<_, _>>()?,
        })
    };
    rows.iter().map(one).collect()
}

fn value(store: &str, row: &tokio_postgres::Row, place: usize, kind: ColumnKind) -> Result<Value, StoreError> {
    Ok(match kind {
        ColumnKind::Bool => column::<Option<bool>>(store, row, place)?.map(Value::Bool),
        ColumnKind::Integer => column::<Option<i64>>(store, row, place)?.map(Value::Integer),
        ColumnKind::Real => column::<Option<f64>>(store, row, place)?.map(Value::Real),
        ColumnKind::Text => column::<Option<&str>>(store, row, place)?.map(|text| Value::Text(unescape(text))),
    }
    .unwrap_or(Value::Null))
}

/// Decodes the values of an index, and the numbers of rows with them.
pub(crate) fn stored_counts(
    store: &str,
    shape: &ViewShape,
    index: &str,
    rows: &[tokio_postgres::Row],
) -> Result<Vec<(Value, u64)>, StoreError> {
    let kind = kind(store, shape, index)?;
    let one = |row: &tokio_postgres::Row| {
        if kind == ColumnKind::Text && column::<Option<&str>>(store, row, 0)?.is_some_and(is_shortened) {
            let reason = format!(
                "index `{index}` of view `{}` has a text of more than {} bytes, of which it holds the start only; read the \
                 rows instead",
                shape.name,
                longest(shape, index)
            );
            return Err(StoreError::Failed { store: store.to_owned(), reason });
        }
        Ok((value(store, row, 0, kind)?, column::<i64>(store, row, 1)?.unsigned_abs()))
    };
    rows.iter().map(one).collect()
}

/// Decodes a sum. `None` if it does not fit the type, or texts were added up.
pub(crate) fn stored_sum(
    store: &str,
    kind: ColumnKind,
    rows: &[tokio_postgres::Row],
) -> Result<Option<Value>, StoreError> {
    let text = rows.first().map(|row| column::<&str>(store, row, 0)).transpose()?.unwrap_or("0");
    Ok(match kind {
        ColumnKind::Integer => text.parse().ok().map(Value::Integer),
        ColumnKind::Real => text.parse().ok().map(Value::Real),
        ColumnKind::Bool | ColumnKind::Text => None,
    })
}

/// The kind of an index of either sort.
pub(crate) fn kind(store: &str, shape: &ViewShape, index: &str) -> Result<ColumnKind, StoreError> {
    shape.kind(index).map_err(|error| damaged(store, error.to_string()))
}

/// Inserts or replaces rows, and removes others.
pub(crate) fn write(
    schema: &str,
    store: &str,
    shape: &ViewShape,
    put: &[Row],
    remove: &[Removed],
) -> Result<Vec<Sql>, StoreError> {
    put.iter().try_for_each(|row| shape.check(row).map_err(|error| damaged(store, error.to_string())))?;
    let mut statements = Vec::new();
    if !put.is_empty() {
        statements.push(upsert(schema, store, shape, put)?);
    }
    if !remove.is_empty() {
        let keys: Vec<String> = remove.iter().map(|removed| key(&removed.key)).collect();
        let text = format!("DELETE FROM {} WHERE cqrs_key = ANY ($1)", table(schema, shape.name));
        statements.push(Sql::new(text).with(keys, Type::TEXT_ARRAY));
    }
    for place in 0..shape.multi_indexes.len() {
        statements.extend(write_values(schema, store, shape, place, put, remove)?);
    }
    Ok(statements)
}

/// Stores the values of a multi-valued index. Values that stay are not touched.
fn write_values(
    schema: &str,
    store: &str,
    shape: &ViewShape,
    place: usize,
    put: &[Row],
    remove: &[Removed],
) -> Result<[Sql; 2], StoreError> {
    let (table, kind) = (multi_table(schema, shape.name, place), shape.multi_indexes[place].kind);
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for row in put {
        for value in &row.multi_values[place] {
            keys.push(key(&row.key));
            values.push(value);
        }
    }
    let written = put.iter().map(|row| &row.key).chain(remove.iter().map(|removed| &removed.key));
    let written: Vec<String> = written.map(|text| key(text)).collect();
    let mut delete = Sql::new(format!("DELETE FROM {table} AS m WHERE m.cqrs_key = ANY ("));
    delete.bind(written, Type::TEXT_ARRAY).push(") AND NOT EXISTS (SELECT FROM unnest(");
    delete.bind(keys.clone(), Type::TEXT_ARRAY).push(", ");
    bind_values(&mut delete, store, shape, (kind, LONGEST), values.iter().copied())?;
    delete.push(") AS kept (key, value) WHERE kept.key = m.cqrs_key AND kept.value = m.cqrs_value)");
    let mut insert = Sql::new(format!("INSERT INTO {table} (cqrs_key, cqrs_value) SELECT * FROM unnest("));
    insert.bind(keys, Type::TEXT_ARRAY).push(", ");
    bind_values(&mut insert, store, shape, (kind, LONGEST), values)?;
    insert.push(") ON CONFLICT DO NOTHING");
    Ok([delete, insert])
}

fn upsert(schema: &str, store: &str, shape: &ViewShape, put: &[Row]) -> Result<Sql, StoreError> {
    let mut sql =
        Sql::new(format!("INSERT INTO {} ({}) SELECT * FROM unnest(", table(schema, shape.name), &columns(shape)[2..]));
    let long = |row: &Row| (key(&row.key).len() != escape(&row.key).len()).then(|| escape(&row.key));
    sql.bind(put.iter().map(|row| key(&row.key)).collect::<Vec<_>>(), Type::TEXT_ARRAY).push(", ");
    sql.bind(put.iter().map(long).collect::<Vec<_>>(), Type::TEXT_ARRAY).push(", ");
    sql.bind(put.iter().map(|row| clamped(row.position.get())).collect::<Vec<_>>(), Type::INT8_ARRAY).push(", ");
    sql.bind(put.iter().map(|row| escape(&row.document)).collect::<Vec<_>>(), Type::TEXT_ARRAY);
    for (place, index) in shape.indexes.iter().enumerate() {
        let mut values = Vec::with_capacity(put.len());
        values.extend(put.iter().map(|row| &row.indexes[place]));
        bind_values(sql.push(", "), store, shape, (index.kind, longest(shape, index.name)), values)?;
    }
    let columns = ["cqrs_position".to_owned(), "cqrs_document".to_owned()];
    let columns = columns.into_iter().chain(shape.indexes.iter().map(|index| quoted(index.name)));
    let sets: Vec<String> = columns.map(|column| format!("{column} = excluded.{column}")).collect();
    sql.push(&format!(") ON CONFLICT (cqrs_key) DO UPDATE SET {}", sets.join(", ")));
    Ok(sql)
}

/// The maximum length of the texts of an index, in bytes: an entry of a compound index has several, and the key.
pub(crate) fn longest(shape: &ViewShape, index: &str) -> usize {
    let is_text = |name: &&&str| shape.kind(name) == Ok(ColumnKind::Text);
    let compounds = shape.compounds.iter().filter(|compound| compound.contains(&index));
    let most = compounds.map(|compound| compound.iter().filter(is_text).count()).max().unwrap_or(1);
    LONGEST.min(1_600 / most.max(1))
}

/// Binds the values of one column as an array. Longer texts than `longest` are shortened.
pub(crate) fn bind_values<'a>(
    sql: &mut Sql,
    store: &str,
    shape: &ViewShape,
    (kind, longest): (ColumnKind, usize),
    values: impl IntoIterator<Item = &'a Value>,
) -> Result<(), StoreError> {
    macro_rules! bind {
        ($type:ty, $array:ident, $kind:ident, |$value:ident| $column:expr) => {{
            let column = |value: &'a Value| match value {
                value if value.is_storable_null() => Ok(None),
                Value::$kind($value) => Ok(Some($column)),
                other => Err(damaged(store, format!("view `{}` has no index for the value {other:?}", shape.name))),
            };
            let values = values.into_iter().map(column).collect::<Result<Vec<Option<$type>>, StoreError>>()?;
            sql.bind(values, Type::$array);
        }};
    }
    match kind {
        ColumnKind::Bool => bind!(bool, BOOL_ARRAY, Bool, |value| *value),
        ColumnKind::Integer => bind!(i64, INT8_ARRAY, Integer, |value| *value),
        ColumnKind::Real => bind!(f64, FLOAT8_ARRAY, Real, |value| *value),
        ColumnKind::Text => bind!(String, TEXT_ARRAY, Text, |value| shortened(value, longest)),
    }
    Ok(())
}

/// Removes the checkpoints of all projections that fill a view of this shape.
pub(crate) fn unclaim(schema: &str, shape: &ViewShape) -> Sql {
    Sql::new(format!("DELETE FROM {schema}.cqrs_checkpoints WHERE fingerprint = $1"))
        .with(shape.fingerprint.cast_signed(), Type::INT8)
}

/// Removes all rows of a view, the checkpoints of all projections that fill it, and the parked keys
/// and the checkpoint of this projection.
pub(crate) fn clear(schema: &str, shape: Option<&ViewShape>, projection: &str) -> Vec<Sql> {
    let mut statements = Vec::new();
    if let Some(shape) = shape {
        let multi_tables = (0..shape.multi_indexes.len()).map(|place| multi_table(schema, shape.name, place));
        let tables = std::iter::once(table(schema, shape.name)).chain(multi_tables);
        statements.extend(tables.map(|table| Sql::new(format!("DELETE FROM {table}"))));
        statements.push(unclaim(schema, shape));
    }
    for table in ["cqrs_parked", "cqrs_checkpoints"] {
        let text = format!("DELETE FROM {schema}.{table} WHERE projection = $1");
        statements.push(Sql::new(text).with(escape(projection), Type::TEXT));
    }
    statements
}

/// The checkpoints of all projections.
pub(crate) fn checkpoints(schema: &str) -> Sql {
    Sql::new(format!("SELECT projection, position, fingerprint, event FROM {schema}.cqrs_checkpoints"))
}

/// The checkpoint of one projection.
pub(crate) fn checkpoint(schema: &str, projection: &str) -> Sql {
    let mut sql = checkpoints(schema);
    sql.push(" WHERE projection = ").bind(escape(projection), Type::TEXT);
    sql
}

/// Decodes checkpoints, with the names of their projections.
pub(crate) fn stored_checkpoints(
    store: &str,
    rows: &[tokio_postgres::Row],
) -> Result<Vec<(String, Checkpoint)>, StoreError> {
    let one = |row: &tokio_postgres::Row| {
        let fingerprint = column::<i64>(store, row, 2)?.cast_unsigned();
        let checkpoint = Checkpoint { position: position(store, row, 1)?, event: column(store, row, 3)?, fingerprint };
        Ok((unescape(column(store, row, 0)?), checkpoint))
    };
    rows.iter().map(one).collect()
}

/// Stores the checkpoints of projections.
pub(crate) fn set_checkpoints(schema: &str, checkpoints: &[(&'static str, Checkpoint)]) -> Sql {
    let numbers = |number: fn(&Checkpoint) -> i64| checkpoints.iter().map(|(_, c)| number(c)).collect::<Vec<_>>();
    Sql::new(format!(
        "INSERT INTO {schema}.cqrs_checkpoints (projection, position, fingerprint, event) SELECT * FROM unnest($1, $2, $3, $4)
         ON CONFLICT (projection) DO UPDATE
         SET position = excluded.position, fingerprint = excluded.fingerprint, event = excluded.event"
    ))
    .with(checkpoints.iter().map(|(name, _)| escape(name)).collect::<Vec<_>>(), Type::TEXT_ARRAY)
    .with(numbers(|checkpoint| clamped(checkpoint.position.get())), Type::INT8_ARRAY)
    .with(numbers(|checkpoint| checkpoint.fingerprint.cast_signed()), Type::INT8_ARRAY)
    .with(checkpoints.iter().map(|(_, checkpoint)| checkpoint.event).collect::<Vec<_>>(), Type::UUID_ARRAY)
}

/// The parked keys of all projections.
pub(crate) fn parked(schema: &str) -> Sql {
    Sql::new(format!(
        "SELECT projection, key, long_key, position, event, error, attempts FROM {schema}.cqrs_parked
         ORDER BY projection, key"
    ))
}

/// Decodes parked keys.
pub(crate) fn stored_parked(store: &str, rows: &[tokio_postgres::Row]) -> Result<Vec<Parked>, StoreError> {
    let text = |row: &tokio_postgres::Row, place| column::<&str>(store, row, place).map(unescape);
    let one = |row: &tokio_postgres::Row| {
        let long: Option<&str> = column(store, row, 2)?;
        Ok(Parked {
            projection: text(row, 0)?,
            key: long.map_or_else(|| text(row, 1), |long| Ok(unescape(long)))?,
            position: position(store, row, 3)?,
            event: text(row, 4)?,
            error: text(row, 5)?,
            attempts: u32::try_from(column::<i64>(store, row, 6)?).unwrap_or(u32::MAX),
        })
    };
    rows.iter().map(one).collect()
}

/// Parks keys.
pub(crate) fn park(schema: &str, parked: &[Parked]) -> Sql {
    let texts = |text: fn(&Parked) -> &str| parked.iter().map(|entry| escape(text(entry))).collect::<Vec<_>>();
    let long = |entry: &Parked| (key(&entry.key).len() != escape(&entry.key).len()).then(|| escape(&entry.key));
    Sql::new(format!(
        "INSERT INTO {schema}.cqrs_parked (projection, key, long_key, position, event, error, attempts)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (projection, key) DO UPDATE
         SET position = excluded.position, event = excluded.event, error = excluded.error, attempts = excluded.attempts"
    ))
    .with(texts(|entry| &entry.projection), Type::TEXT_ARRAY)
    .with(parked.iter().map(|entry| key(&entry.key)).collect::<Vec<_>>(), Type::TEXT_ARRAY)
    .with(parked.iter().map(long).collect::<Vec<_>>(), Type::TEXT_ARRAY)
    .with(parked.iter().map(|entry| clamped(entry.position.get())).collect::<Vec<_>>(), Type::INT8_ARRAY)
    .with(texts(|entry| &entry.event), Type::TEXT_ARRAY)
    .with(texts(|entry| &entry.error), Type::TEXT_ARRAY)
    .with(parked.iter().map(|entry| i64::from(entry.attempts)).collect::<Vec<_>>(), Type::INT8_ARRAY)
}

/// Unparks a key, if it is parked.
pub(crate) fn unpark(schema: &str, projection: &str, parked: &str) -> Sql {
    Sql::new(format!("DELETE FROM {schema}.cqrs_parked WHERE projection = $1 AND key = $2"))
        .with(escape(projection), Type::TEXT)
        .with(key(parked), Type::TEXT)
}

/// Moves the shape, the checkpoint and the parked keys of one build of a view to another.
pub(crate) fn replace(schema: &str, live: &Generation, next: &Generation) -> Vec<Sql> {
    let fingerprint = live.shape.fingerprint.cast_signed();
    let shapes = Sql::new(format!("DELETE FROM {schema}.cqrs_shapes WHERE view = $1"));
    let mut statements = vec![shapes.with(escape(next.shape.name), Type::TEXT), known_as(schema, &live.shape)];
    for table in ["cqrs_checkpoints", "cqrs_parked"] {
        let old = Sql::new(format!("DELETE FROM {schema}.{table} WHERE projection = $1"));
        statements.push(old.with(escape(live.projection), Type::TEXT));
        let new = Sql::new(format!("UPDATE {schema}.{table} SET projection = $1 WHERE projection = $2"));
        statements.push(new.with(escape(live.projection), Type::TEXT).with(escape(next.projection), Type::TEXT));
    }
    let claim = Sql::new(format!("UPDATE {schema}.cqrs_checkpoints SET fingerprint = $1 WHERE projection = $2"));
    statements.push(claim.with(fingerprint, Type::INT8).with(escape(live.projection), Type::TEXT));
    statements
}

/// Stores the shape of a view's table.
pub(crate) fn known_as(schema: &str, shape: &ViewShape) -> Sql {
    Sql::new(format!(
        "INSERT INTO {schema}.cqrs_shapes (view, fingerprint) VALUES ($1, $2)
         ON CONFLICT (view) DO UPDATE SET fingerprint = excluded.fingerprint"
    ))
    .with(escape(shape.name), Type::TEXT)
    .with(shape.fingerprint.cast_signed(), Type::INT8)
}

//! Searches over views in SQL.

use cqrs_core::log::StoreError;
use cqrs_core::view::{ColumnKind, Comparison, Filter, RowQuery, Value, ViewShape};

use crate::error::damaged;
use crate::rows::{COLUMNS, table};
use crate::sql::{Parameter, Sql, clamped, column_value, quoted};

/// The column of an index, quoted for SQL.
pub(crate) fn column(shape: &ViewShape, index: &str, store: &str) -> Result<String, StoreError> {
    shape.index(index).map(|_| quoted(index)).map_err(|error| damaged(store, error.to_string()))
}

/// The kind of an index.
pub(crate) fn kind(shape: &ViewShape, index: &str, store: &str) -> Result<ColumnKind, StoreError> {
    shape.kind(index).map_err(|error| damaged(store, error.to_string()))
}

/// The rows that a search finds: those of the first statement come before those of the next one.
/// Without a start, there is one statement.
pub(crate) fn find(shape: &ViewShape, query: &RowQuery, store: &str) -> Result<Vec<Sql>, StoreError> {
    let Some(stretches) = query.stretches() else {
        return Ok(vec![part(shape, query, &query.filter, query.limit.map(i64::from), query.offset, store)?]);
    };
    let limit = query.limit.map(|limit| clamped(u64::from(limit).saturating_add(query.offset)));
    let one = |stretch| {
        let filter = Filter::All(vec![query.filter.clone(), stretch]);
        part(shape, query, &filter, limit, 0, store)
    };
    stretches.into_iter().map(one).collect()
}

fn part(
    shape: &ViewShape,
    query: &RowQuery,
    filter: &Filter,
    limit: Option<i64>,
    offset: u64,
    store: &str,
) -> Result<Sql, StoreError> {
    let mut writer = Writer { sql: select(shape, COLUMNS), shape, store };
    writer.filter(filter)?;
    writer.sql.push(" ORDER BY ");
    let (fields, descending) = query.directions();
    for (index, descending) in &fields {
        let column = column(shape, index, store)?;
        writer.sql.push(&column).push(if *descending { " DESC, " } else { ", " });
    }
    // Without the `+`, `SQLite` scans all rows by their keys rather than sort the few rows of a
    // range.
    let sorts = fields.is_empty() && query.start.is_none() && is_range(filter);
    writer.sql.push(if sorts { "+cqrs_key" } else { "cqrs_key" }).push(if descending { " DESC" } else { "" });
    if limit.is_some() || offset > 0 {
        writer.sql.push(" LIMIT ").bind(Parameter::integer(limit.unwrap_or(-1)));
        writer.sql.push(" OFFSET ").bind(Parameter::integer(clamped(offset)));
    }
    Ok(writer.sql)
}

/// Whether a filter narrows the rows, but not to a single value of an index. The rows of a single
/// value are sorted by their keys.
fn is_range(filter: &Filter) -> bool {
    let parts = filter.conjuncts();
    !parts.is_empty() && !parts.iter().any(|part| matches!(part, Filter::Compare(_, Comparison::Equal, _)))
}

/// Counts the rows that match a filter.
pub(crate) fn count(shape: &ViewShape, filter: &Filter, store: &str) -> Result<Sql, StoreError> {
    let mut writer = Writer { sql: select(shape, |_| "count(*)".to_owned()), shape, store };
    writer.filter(filter)?;
    Ok(writer.sql)
}

/// 1 if a row matches a filter, otherwise 0.
pub(crate) fn exists(shape: &ViewShape, filter: &Filter, store: &str) -> Result<Sql, StoreError> {
    let mut sql = Sql::default();
    sql.push("SELECT EXISTS (SELECT 1 FROM ").push(&table(shape.name)).push(" WHERE ");
    let mut writer = Writer { sql, shape, store };
    writer.filter(filter)?;
    writer.sql.push(")");
    Ok(writer.sql)
}

/// The values of an index and the number of rows with each.
pub(crate) fn count_by(
    shape: &ViewShape,
    filter: &Filter,
    index: &str,
    limit: Option<u32>,
    store: &str,
) -> Result<Sql, StoreError> {
    let column = column(shape, index, store)?;
    let mut writer = Writer { sql: select(shape, |_| format!("{column}, count(*)")), shape, store };
    writer.filter(filter)?;
    writer.sql.push(" GROUP BY ").push(&column).push(" ORDER BY 2 DESC, 1 LIMIT ");
    writer.sql.bind(Parameter::integer(limit.map_or(-1, i64::from)));
    Ok(writer.sql)
}

/// The sum of an index.
pub(crate) fn sum(shape: &ViewShape, filter: &Filter, index: &str, store: &str) -> Result<Sql, StoreError> {
    let column = column(shape, index, store)?;
    let mut writer = Writer { sql: select(shape, |_| format!("sum({column})")), shape, store };
    writer.filter(filter)?;
    Ok(writer.sql)
}

/// The rows whose indexed field equals one of the values.
pub(crate) fn rows_by(shape: &ViewShape, index: &str, values: &[Value], store: &str) -> Result<Sql, StoreError> {
    let mut writer = Writer { sql: select(shape, COLUMNS), shape, store };
    writer.one_of(index, values)?;
    Ok(writer.sql)
}

/// The beginning of a statement: a filter follows.
fn select(shape: &ViewShape, columns: impl FnOnce(&ViewShape) -> String) -> Sql {
    let mut sql = Sql::default();
    sql.push("SELECT ").push(&columns(shape)).push(" FROM ").push(&table(shape.name)).push(" WHERE ");
    sql
}

struct Writer<'a> {
    sql: Sql,
    shape: &'a ViewShape,
    store: &'a str,
}

impl Writer<'_> {
    fn filter(&mut self, filter: &Filter) -> Result<(), StoreError> {
        match filter {
            Filter::Compare(index, comparison, value) => self.compare(index, *comparison, value),
            Filter::OneOf(index, values) => self.one_of(index, values),
            Filter::Key(comparison, key) => {
                self.sql.push("cqrs_key").push(operator(*comparison)).bind(Parameter::text(key));
                Ok(())
            }
            Filter::All(_) => self.join(&filter.conjuncts(), true),
            Filter::Any(_) => self.join(&filter.disjuncts(), false),
        }
    }

    /// Nests the operators in halves, because `SQLite` limits the depth: a hundred conditions are
    /// seven levels deep.
    fn join(&mut self, parts: &[&Filter], all: bool) -> Result<(), StoreError> {
        match parts {
            [] => {
                self.sql.push(if all { "TRUE" } else { "FALSE" });
                Ok(())
            }
            [only] => self.filter(only),
            parts => {
                let (left, right) = parts.split_at(parts.len() / 2);
                self.sql.push("(");
                self.join(left, all)?;
                self.sql.push(if all { " AND " } else { " OR " });
                self.join(right, all)?;
                self.sql.push(")");
                Ok(())
            }
        }
    }

    fn compare(&mut self, index: &str, comparison: Comparison, value: &Value) -> Result<(), StoreError> {
        let column = column(self.shape, index, self.store)?;
        if value.is_storable_null() {
            // Null equals only null, and is neither less nor greater than anything.
            match comparison {
                Comparison::Equal => self.sql.push(&column).push(" IS NULL"),
                Comparison::NotEqual => self.sql.push(&column).push(" IS NOT NULL"),
                _ => self.sql.push("FALSE"),
            };
            return Ok(());
        }
        self.sql.push(&column).push(operator(comparison)).bind(Parameter::One(column_value(value)));
        Ok(())
    }

    fn one_of(&mut self, index: &str, values: &[Value]) -> Result<(), StoreError> {
        let column = column(self.shape, index, self.store)?;
        let wanted = values.iter().filter(|value| !value.is_storable_null()).map(column_value).collect();
        self.sql.push("(").push(&column).push(" IN rarray(").bind(Parameter::Many(wanted)).push(")");
        if values.iter().any(Value::is_storable_null) {
            self.sql.push(" OR ").push(&column).push(" IS NULL");
        }
        self.sql.push(")");
        Ok(())
    }
}

/// The operator of a comparison with a value that is not null.
fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => " = ",
        Comparison::NotEqual => " IS NOT ",
        Comparison::Less => " < ",
        Comparison::LessOrEqual => " <= ",
        Comparison::Greater => " > ",
        Comparison::GreaterOrEqual => " >= ",
    }
}

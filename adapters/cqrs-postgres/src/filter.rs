//! Searches over views in SQL.

use cqrs_core::log::StoreError;
use cqrs_core::view::{Comparison, Filter, IndexShape, RowQuery, Value, ViewShape};
use tokio_postgres::types::Type;

use crate::error::damaged;
use crate::rows::{bind_values, columns, longest, multi_table, table};
use crate::sql::Sql;
use crate::text::{LONGEST, clamped, key, quoted};

/// The rows that a search finds. With a start, they are the first of several ranges, each of which
/// an index has in this order.
pub(crate) fn find(schema: &str, store: &str, shape: &ViewShape, query: &RowQuery) -> Result<Sql, StoreError> {
    let columns = columns(shape);
    let mut writer = Writer::new(schema, store, shape);
    if let Some(stretches) = query.stretches() {
        let limit = query.limit.map(|limit| clamped(u64::from(limit).saturating_add(query.offset)));
        writer.sql.push(&format!("SELECT {columns} FROM ("));
        for (place, stretch) in stretches.into_iter().enumerate() {
            let filter = Filter::All(vec![query.filter.clone(), stretch]);
            writer.sql.push(if place == 0 { "(" } else { " UNION ALL (" });
            writer.select(&columns);
            writer.filter(&filter)?;
            writer.ordered(query, limit)?;
            writer.sql.push(")");
        }
        writer.sql.push(") AS v");
    } else {
        writer.select(&columns);
        writer.filter(&query.filter)?;
    }
    writer.ordered(query, query.limit.map(i64::from))?;
    if query.offset > 0 {
        writer.sql.push(" OFFSET ").bind(clamped(query.offset), Type::INT8);
    }
    Ok(writer.sql)
}

/// Whether a row matches a filter.
pub(crate) fn exists(schema: &str, store: &str, shape: &ViewShape, filter: &Filter) -> Result<Sql, StoreError> {
    let mut writer = Writer::new(schema, store, shape);
    writer.sql.push("SELECT EXISTS (");
    writer.select("1");
    writer.filter(filter)?;
    writer.sql.push(")");
    Ok(writer.sql)
}

/// The values of an index and the number of rows with each.
pub(crate) fn count_by(
    schema: &str,
    store: &str,
    shape: &ViewShape,
    filter: &Filter,
    index: &str,
    limit: Option<u32>,
) -> Result<Sql, StoreError> {
    let mut writer = Writer::new(schema, store, shape);
    let rows = format!("{} AS v", table(schema, shape.name));
    let (column, from) = match shape.multi_index(index) {
        Some(place) if filter.conjuncts().is_empty() => {
            ("cqrs_value".to_owned(), multi_table(schema, shape.name, place))
        }
        Some(place) => {
            let values = multi_table(schema, shape.name, place);
            ("cqrs_value".to_owned(), format!("{values} AS m JOIN {rows} ON v.cqrs_key = m.cqrs_key"))
        }
        None => (quoted(writer.index(index)?.name), rows),
    };
    writer.sql.push(&format!("SELECT {column}, count(*) FROM {from} WHERE "));
    writer.filter(filter)?;
    writer.sql.push(&format!(" GROUP BY {column} ORDER BY 2 DESC, 1 NULLS FIRST"));
    if let Some(limit) = limit {
        writer.sql.push(" LIMIT ").bind(i64::from(limit), Type::INT8);
    }
    Ok(writer.sql)
}

/// The sum of an index, as a text.
pub(crate) fn sum(
    schema: &str,
    store: &str,
    shape: &ViewShape,
    filter: &Filter,
    index: &str,
) -> Result<Sql, StoreError> {
    let mut writer = Writer::new(schema, store, shape);
    let column = quoted(writer.index(index)?.name);
    writer.select(&format!("coalesce(sum({column}), 0)::text"));
    writer.filter(filter)?;
    Ok(writer.sql)
}

/// Counts the rows that match a filter.
pub(crate) fn count(schema: &str, store: &str, shape: &ViewShape, filter: &Filter) -> Result<Sql, StoreError> {
    if let [Filter::Has(index, values)] = *filter.conjuncts() {
        // A row that has two of the values counts once.
        let what = if values.len() > 1 { "count(DISTINCT cqrs_key)" } else { "count(*)" };
        let mut writer = Writer::new(schema, store, shape);
        writer.values(what, index, values)?;
        return Ok(writer.sql);
    }
    let mut writer = Writer::new(schema, store, shape);
    writer.select("count(*)");
    writer.filter(filter)?;
    Ok(writer.sql)
}

/// The rows whose indexed field equals one of the values.
pub(crate) fn rows_by(
    schema: &str,
    store: &str,
    shape: &ViewShape,
    index: &'static str,
    values: &[Value],
) -> Result<Sql, StoreError> {
    let mut writer = Writer::new(schema, store, shape);
    writer.select(&columns(shape));
    writer.filter(&shape.any_of(index, values))?;
    Ok(writer.sql)
}

struct Writer<'a> {
    sql: Sql,
    schema: &'a str,
    shape: &'a ViewShape,
    store: &'a str,
}

impl<'a> Writer<'a> {
    fn new(schema: &'a str, store: &'a str, shape: &'a ViewShape) -> Self {
        Self { sql: Sql::default(), schema, shape, store }
    }

    /// The order of a search, and its limit.
    fn ordered(&mut self, query: &RowQuery, limit: Option<i64>) -> Result<(), StoreError> {
        self.sql.push(" ORDER BY ");
        let (fields, descending) = query.directions();
        for (index, descending) in fields {
            let column = quoted(self.index(index)?.name);
            self.sql.push(&column).push(if descending { " DESC NULLS LAST, " } else { " NULLS FIRST, " });
        }
        self.sql.push(if descending { "v.cqrs_key DESC" } else { "v.cqrs_key" });
        if let Some(limit) = limit {
            self.sql.push(" LIMIT ").bind(limit, Type::INT8);
        }
        Ok(())
    }

    /// The beginning of a statement: a filter follows.
    fn select(&mut self, what: &str) {
        self.sql.push(&format!("SELECT {what} FROM {} AS v WHERE ", table(self.schema, self.shape.name)));
    }

    fn index(&self, name: &str) -> Result<&'a IndexShape, StoreError> {
        let place = self.shape.index(name).map_err(|error| damaged(self.store, error.to_string()))?;
        Ok(&self.shape.indexes[place])
    }

    fn filter(&mut self, filter: &Filter) -> Result<(), StoreError> {
        match filter {
            Filter::Compare(index, comparison, value) => self.compare(index, *comparison, value),
            Filter::OneOf(index, values) => self.one_of(index, values),
            Filter::Has(index, values) => self.has(index, values),
            Filter::Key(comparison, text) => {
                self.sql.push("v.cqrs_key").push(operator(*comparison)).bind(key(text), Type::TEXT);
                Ok(())
            }
            Filter::All(_) => self.join(&filter.conjuncts(), true),
            Filter::Any(_) => self.join(&filter.disjuncts(), false),
        }
    }

    fn join(&mut self, parts: &[&Filter], all: bool) -> Result<(), StoreError> {
        if parts.is_empty() {
            self.sql.push(if all { "TRUE" } else { "FALSE" });
            return Ok(());
        }
        for (place, part) in parts.iter().enumerate() {
            self.sql.push(match (place, all) {
                (0, _) => "(",
                (_, true) => " AND ",
                (_, false) => " OR ",
            });
            self.filter(part)?;
        }
        self.sql.push(")");
        Ok(())
    }

    fn compare(&mut self, index: &str, comparison: Comparison, value: &Value) -> Result<(), StoreError> {
        let index = self.index(index)?;
        self.sql.push(&quoted(index.name));
        if value.is_storable_null() {
            // Null equals only null, and is neither less nor greater than anything.
            match comparison {
                Comparison::Equal => self.sql.push(" IS NULL"),
                Comparison::NotEqual => self.sql.push(" IS NOT NULL"),
                _ => self.sql.push(" IS NULL AND FALSE"),
            };
            return Ok(());
        }
        self.sql.push(operator(comparison)).push("(");
        bind_values(&mut self.sql, self.store, self.shape, (index.kind, longest(self.shape, index.name)), [value])?;
        self.sql.push(")[1]");
        Ok(())
    }

    fn has(&mut self, index: &str, values: &[Value]) -> Result<(), StoreError> {
        self.sql.push("EXISTS (");
        self.values("", index, values)?;
        self.sql.push(" AND m.cqrs_key = v.cqrs_key)");
        Ok(())
    }

    /// Selects from the table of a multi-valued index what has one of these values.
    fn values(&mut self, what: &str, index: &str, values: &[Value]) -> Result<(), StoreError> {
        let Self { schema, store, shape, .. } = *self;
        let no_index = || damaged(store, format!("view `{}` has no multi-valued index `{index}`", shape.name));
        let place = shape.multi_index(index).ok_or_else(no_index)?;
        let table = multi_table(schema, shape.name, place);
        self.sql.push(&format!("SELECT {what} FROM {table} AS m WHERE m.cqrs_value = "));
        // For one value the server knows better how many rows have it.
        let (before, after) = if values.len() == 1 { ("(", ")[1]") } else { ("ANY (", ")") };
        self.sql.push(before);
        bind_values(&mut self.sql, store, shape, (shape.multi_indexes[place].kind, LONGEST), values)?;
        self.sql.push(after);
        Ok(())
    }

    fn one_of(&mut self, index: &str, values: &[Value]) -> Result<(), StoreError> {
        let index = self.index(index)?;
        let column = quoted(index.name);
        self.sql.push("(").push(&column).push(" = ANY (");
        let wanted = values.iter().filter(|value| !value.is_storable_null());
        bind_values(&mut self.sql, self.store, self.shape, (index.kind, longest(self.shape, index.name)), wanted)?;
        self.sql.push(")");
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
        Comparison::NotEqual => " IS DISTINCT FROM ",
        Comparison::Less => " < ",
        Comparison::LessOrEqual => " <= ",
        Comparison::Greater => " > ",
        Comparison::GreaterOrEqual => " >= ",
    }
}

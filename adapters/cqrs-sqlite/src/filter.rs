//! Searches over views in SQL.

use cqrs_core::log::StoreError;
use cqrs_core::view::{ColumnKind, Comparison, Filter, RowQuery, Value, ViewShape};

use crate::error::damaged;
use crate::rows::{self, COLUMNS, table};
use crate::sql::{Parameter, Sql, clamped, column_value, quoted};

/// A condition that more rows meet is checked row by row in the order of a page. One that fewer rows
/// meet is looked up, and its rows are sorted.
pub(crate) const FREQUENT: u32 = 4_000;

/// Where a condition finds no more rows than this, the others are checked row by row.
pub(crate) const FEW: u64 = 250;

/// The column of an index, quoted for SQL.
pub(crate) fn column(shape: &ViewShape, index: &str, store: &str) -> Result<String, StoreError> {
    shape.index(index).map(|_| quoted(index)).map_err(|error| damaged(store, error.to_string()))
}

/// The kind of an index of either sort.
pub(crate) fn kind(shape: &ViewShape, index: &str, store: &str) -> Result<ColumnKind, StoreError> {
    shape.kind(index).map_err(|error| damaged(store, error.to_string()))
}

/// The table of a multi-valued index, quoted for SQL.
fn multi_table(shape: &ViewShape, index: &str, store: &str) -> Result<String, StoreError> {
    let place = shape.multi_index(index).ok_or_else(|| damaged(store, no_multi_index(shape, index)))?;
    Ok(rows::multi_table(shape.name, place))
}

fn no_multi_index(shape: &ViewShape, index: &str) -> String {
    format!("view `{}` has no multi-valued index `{index}`", shape.name)
}

/// A statement that counts the rows which meet a condition of a search, up to [`FREQUENT`].
pub(crate) struct Probe {
    /// The place of the condition.
    pub(crate) place: usize,
    pub(crate) sql: Sql,
    /// Whether an index has the rows of the condition in the search's order, however many they are.
    pub(crate) is_sorted: bool,
}

/// The statements whose answers decide how a search is made, those first that are likely to find few rows.
pub(crate) fn probes(shape: &ViewShape, query: &RowQuery, store: &str) -> Result<Vec<Probe>, StoreError> {
    let (fields, _) = query.directions();
    let fixed = shape.compound_for(query).map_or(&[] as &[&str], |(place, fixed)| &shape.compounds[place][..fixed]);
    let conditions = query.filter.conjuncts();
    let mut probes = Vec::new();
    let mut needed = false;
    for (place, part) in conditions.into_iter().enumerate().filter(|_| query.limit.is_some()) {
        let (rank, is_sorted, mut sql) = match part {
            Filter::Compare(index, Comparison::Equal, _) | Filter::OneOf(index, _) => {
                let is_single = matches!(part, Filter::Compare(..));
                let in_order = fields.iter().any(|(field, _)| field == index);
                let mut writer = Writer { sql: select(shape, |_| "1".to_owned()), shape, store };
                writer.filter(part)?;
                let is_sorted = in_order || fixed.contains(index) || is_single && fields.is_empty();
                (usize::from(!is_single), is_sorted, writer.sql)
            }
            Filter::Has(index, values) => {
                let mut sql = Sql::default();
                sql.push("SELECT 1 FROM ").push(&multi_table(shape, index, store)?);
                has_values(sql.push(" WHERE "), values);
                (2, false, sql)
            }
            _ => continue,
        };
        needed |= !is_sorted;
        sql.text = format!("SELECT count(*) FROM ({} LIMIT {FREQUENT})", sql.text);
        probes.push((rank, Probe { place, sql, is_sorted }));
    }
    probes.sort_by_key(|(rank, _)| *rank);
    Ok(if needed { probes.into_iter().map(|(_, probe)| probe).collect() } else { Vec::new() })
}

/// The rows that a search finds: those of the first statement come before those of the next one.
/// Without a start, there is one statement. `frequent` says of each condition whether many rows meet it.
pub(crate) fn find(
    shape: &ViewShape,
    query: &RowQuery,
    frequent: &[bool],
    store: &str,
) -> Result<Vec<Sql>, StoreError> {
    let Some(stretches) = query.stretches() else {
        let limit = query.limit.map(i64::from);
        return Ok(vec![part(shape, query, &Filter::All(Vec::new()), frequent, (limit, query.offset), store)?]);
    };
    let limit = query.limit.map(|limit| clamped(u64::from(limit).saturating_add(query.offset)));
    let one = |stretch| part(shape, query, &stretch, frequent, (limit, 0), store);
    stretches.into_iter().map(one).collect()
}

fn part(
    shape: &ViewShape,
    query: &RowQuery,
    stretch: &Filter,
    frequent: &[bool],
    (limit, offset): (Option<i64>, u64),
    store: &str,
) -> Result<Sql, StoreError> {
    let mut writer = Writer { sql: select(shape, COLUMNS), shape, store };
    let frequent = frequent.iter().copied().chain(std::iter::repeat(false));
    let mut parts: Vec<(&Filter, bool)> = query.filter.conjuncts().into_iter().zip(frequent).collect();
    parts.extend(stretch.conjuncts().into_iter().map(|part| (part, false)));
    writer.all(&parts)?;
    writer.sql.push(" ORDER BY ");
    let (fields, descending) = query.directions();
    for (index, descending) in &fields {
        let column = column(shape, index, store)?;
        writer.sql.push(&column).push(if *descending { " DESC, " } else { ", " });
    }
    // Without the `+`, `SQLite` scans all rows by their keys rather than sort the few rows of a
    // range.
    let sorts = fields.is_empty() && query.start.is_none() && is_range(&parts);
    writer.sql.push(if sorts { "+v.cqrs_key" } else { "v.cqrs_key" }).push(if descending { " DESC" } else { "" });
    if limit.is_some() || offset > 0 {
        writer.sql.push(" LIMIT ").bind(Parameter::integer(limit.unwrap_or(-1)));
        writer.sql.push(" OFFSET ").bind(Parameter::integer(clamped(offset)));
    }
    Ok(writer.sql)
}

/// Whether conditions narrow the rows to few, but not to a single value of an index. The rows of a
/// single value are sorted by their keys.
fn is_range(parts: &[(&Filter, bool)]) -> bool {
    let mut few = parts.iter().filter(|(_, frequent)| !frequent).map(|(part, _)| part).peekable();
    few.peek().is_some() && !few.any(|part| matches!(part, Filter::Compare(_, Comparison::Equal, _)))
}

/// Counts the rows that match a filter.
pub(crate) fn count(shape: &ViewShape, filter: &Filter, store: &str) -> Result<Sql, StoreError> {
    if let [Filter::Has(index, values)] = *filter.conjuncts() {
        let mut sql = Sql::default();
        // A row that has two of the values counts once.
        let what = if values.len() > 1 { "count(DISTINCT cqrs_key)" } else { "count(*)" };
        sql.push(&format!("SELECT {what} FROM {} WHERE ", multi_table(shape, index, store)?));
        has_values(&mut sql, values);
        return Ok(sql);
    }
    let mut writer = Writer { sql: select(shape, |_| "count(*)".to_owned()), shape, store };
    writer.filter(filter)?;
    Ok(writer.sql)
}

/// 1 if a row matches a filter, otherwise 0.
pub(crate) fn exists(shape: &ViewShape, filter: &Filter, store: &str) -> Result<Sql, StoreError> {
    let mut sql = Sql::default();
    sql.push("SELECT EXISTS (SELECT 1 FROM ").push(&table(shape.name)).push(" AS v WHERE ");
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
    let (column, sql) = if shape.multi_index(index).is_some() {
        let mut sql = Sql::default();
        sql.push(&format!("SELECT cqrs_value, count(*) FROM {} AS m", multi_table(shape, index, store)?));
        if !filter.conjuncts().is_empty() {
            sql.push(&format!(" JOIN {} AS v ON v.cqrs_key = m.cqrs_key", table(shape.name)));
        }
        sql.push(" WHERE ");
        ("cqrs_value".to_owned(), sql)
    } else {
        let column = column(shape, index, store)?;
        let sql = select(shape, |_| format!("{column}, count(*)"));
        (column, sql)
    };
    let mut writer = Writer { sql, shape, store };
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

/// The rows whose indexed field equals one of the values, or has one of them.
pub(crate) fn rows_by(
    shape: &ViewShape,
    index: &'static str,
    values: &[Value],
    store: &str,
) -> Result<Sql, StoreError> {
    let mut writer = Writer { sql: select(shape, COLUMNS), shape, store };
    writer.filter(&shape.any_of(index, values))?;
    Ok(writer.sql)
}

/// The beginning of a statement: a filter follows.
fn select(shape: &ViewShape, columns: impl FnOnce(&ViewShape) -> String) -> Sql {
    let mut sql = Sql::default();
    sql.push("SELECT ").push(&columns(shape)).push(" FROM ").push(&table(shape.name)).push(" AS v WHERE ");
    sql
}

/// The condition on the table of a multi-valued index that the value is one of these.
fn has_values(sql: &mut Sql, values: &[Value]) {
    if let [value] = values {
        sql.push("cqrs_value = ").bind(Parameter::One(column_value(value)));
    } else {
        let wanted = values.iter().map(column_value).collect();
        sql.push("cqrs_value IN rarray(").bind(Parameter::Many(wanted)).push(")");
    }
}

struct Writer<'a> {
    sql: Sql,
    shape: &'a ViewShape,
    store: &'a str,
}

impl Writer<'_> {
    fn filter(&mut self, filter: &Filter) -> Result<(), StoreError> {
        match filter {
            Filter::Compare(index, comparison, value) => self.compare(index, *comparison, value, false),
            Filter::OneOf(index, values) => self.one_of(index, values, false),
            Filter::Has(index, values) => self.has(index, values, false),
            Filter::Key(comparison, key) => {
                self.sql.push("v.cqrs_key").push(operator(*comparison)).bind(Parameter::text(key));
                Ok(())
            }
            Filter::All(_) => self.all(&filter.conjuncts().into_iter().map(|part| (part, false)).collect::<Vec<_>>()),
            Filter::Any(_) => self.join(&filter.disjuncts(), false, |writer, part| writer.filter(part)),
        }
    }

    /// All of these conditions. One that is frequent is not looked up by its index.
    fn all(&mut self, parts: &[(&Filter, bool)]) -> Result<(), StoreError> {
        self.join(parts, true, |writer, (part, frequent)| match part {
            Filter::Compare(index, comparison, value) => writer.compare(index, *comparison, value, *frequent),
            Filter::OneOf(index, values) => writer.one_of(index, values, *frequent),
            Filter::Has(index, values) => writer.has(index, values, *frequent),
            part => writer.filter(part),
        })
    }

    /// Nests the operators in halves, because `SQLite` limits the depth: a hundred conditions are
    /// seven levels deep.
    fn join<P>(
        &mut self,
        parts: &[P],
        all: bool,
        one: fn(&mut Self, &P) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match parts {
            [] => {
                self.sql.push(if all { "TRUE" } else { "FALSE" });
                Ok(())
            }
            [only] => one(self, only),
            parts => {
                let (left, right) = parts.split_at(parts.len() / 2);
                self.sql.push("(");
                self.join(left, all, one)?;
                self.sql.push(if all { " AND " } else { " OR " });
                self.join(right, all, one)?;
                self.sql.push(")");
                Ok(())
            }
        }
    }

    fn compare(
        &mut self,
        index: &str,
        comparison: Comparison,
        value: &Value,
        frequent: bool,
    ) -> Result<(), StoreError> {
        let column = self.column(index, frequent)?;
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

    /// The column of an index, or, if it is frequent, an expression of the same value that has none.
    fn column(&self, index: &str, frequent: bool) -> Result<String, StoreError> {
        let column = column(self.shape, index, self.store)?;
        Ok(if frequent { format!("+{column}") } else { column })
    }

    fn has(&mut self, index: &str, values: &[Value], frequent: bool) -> Result<(), StoreError> {
        let table = multi_table(self.shape, index, self.store)?;
        if frequent {
            self.sql.push(&format!("EXISTS (SELECT 1 FROM {table} AS m WHERE m.cqrs_key = v.cqrs_key AND m."));
        } else {
            self.sql.push(&format!("v.cqrs_key IN (SELECT cqrs_key FROM {table} WHERE "));
        }
        has_values(&mut self.sql, values);
        self.sql.push(")");
        Ok(())
    }

    fn one_of(&mut self, index: &str, values: &[Value], frequent: bool) -> Result<(), StoreError> {
        let column = self.column(index, frequent)?;
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

//! Encodes searches for the script.

use cqrs_core::log::StoreError;
use cqrs_core::view::{Comparison, Filter, RowQuery, Value, ViewShape};

use crate::encode::{self, GREATEST, LEAST};
use crate::error::failed;

/// The arguments of a search, starting with `rows`.
pub(crate) fn find(shape: &ViewShape, query: &RowQuery, store: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    // The script could not add larger numbers.
    let offset = query.offset.min(1 << 50);
    let limit = query.limit.map_or(-1, i64::from);
    let (fields, descending) = query.directions();
    let mut writer = Writer { arguments: Vec::new(), shape, store };
    writer.text("rows").text(&offset.to_string()).text(&limit.to_string()).text(if descending {
        "desc"
    } else {
        "asc"
    });
    match &query.start {
        None => writer.text("first"),
        Some(start) => {
            writer.text(if start.inclusive { "at" } else { "after" });
            writer.arguments.push(start.key.clone().into());
            &mut writer
        }
    };
    let at_start = |index: &str| query.start.as_ref().map(|start| encode::value(query.value_at(start, index)));
    if let Some((place, fixed)) = shape.compound_for(query) {
        writer.compound(query, place, fixed, descending, at_start)?;
        return Ok(writer.arguments);
    }
    writer.text(&fields.len().to_string());
    for (index, descends) in fields {
        let place = writer.index(index)?;
        writer.text(&place).text(direction(descends));
        writer.arguments.extend(at_start(index));
    }
    writer.filter(&query.filter)?;
    Ok(writer.arguments)
}

fn direction(descends: bool) -> &'static str {
    if descends { "desc" } else { "asc" }
}

/// The arguments of a count, starting with `count`.
pub(crate) fn count(shape: &ViewShape, filter: &Filter, store: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut writer = Writer { arguments: Vec::new(), shape, store };
    writer.text("count").text("0").text("-1").text("asc").text("first").text("0");
    writer.filter(filter)?;
    Ok(writer.arguments)
}

/// The arguments of a count of the values of an index, starting with `values`: at most `limit` of them
/// that follow the value `after`.
pub(crate) fn count_by(
    shape: &ViewShape,
    filter: &Filter,
    index: &str,
    after: Option<&Vec<u8>>,
    limit: usize,
    store: &str,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut writer = Writer { arguments: Vec::new(), shape, store };
    let place = writer.index(index)?;
    writer.text("values").text("0").text(&limit.to_string()).text("asc").text("after");
    writer.arguments.push(Vec::new());
    writer.text("1").text(&place).text("asc");
    writer.arguments.push(after.cloned().unwrap_or_default());
    writer.filter(filter)?;
    Ok(writer.arguments)
}

struct Writer<'a> {
    arguments: Vec<Vec<u8>>,
    shape: &'a ViewShape,
    store: &'a str,
}

/// What the script calls the sorted set of all keys.
const KEYS: &str = "keys";

/// A lower and an upper bound.
type Range = (Vec<u8>, Vec<u8>);

impl Writer<'_> {
    fn text(&mut self, text: &str) -> &mut Self {
        self.arguments.push(text.into());
        self
    }

    /// The number of an index: multi-valued ones follow those of one value.
    fn index(&self, index: &str) -> Result<String, StoreError> {
        let place = match self.shape.multi_index(index) {
            Some(place) => self.shape.indexes.len() + place,
            None => self.shape.index(index).map_err(|error| failed(self.store, error.to_string()))?,
        };
        Ok(place.to_string())
    }

    /// The order and the filter of a search that a compound index has in order.
    fn compound(
        &mut self,
        query: &RowQuery,
        place: usize,
        fixed: usize,
        descends: bool,
        at_start: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let fields = self.shape.compounds[place];
        let conditions = query.filter.conjuncts();
        let equal = |field: &&str| {
            conditions.iter().find_map(|part| match part {
                Filter::Compare(index, Comparison::Equal, value) if index == field => Some(encode::value(value)),
                _ => None,
            })
        };
        let prefix: Vec<u8> = fields[..fixed].iter().filter_map(equal).flatten().collect();
        let number = self.shape.indexes.len() + self.shape.multi_indexes.len() + place;
        let index = format!("{number}:{}", fields.len());
        self.text("1").text(&index).text(direction(descends));
        if query.start.is_some() {
            let rest = fields[fixed..].iter().filter_map(|field| at_start(field)).flatten();
            self.arguments.push(prefix.iter().copied().chain(rest).collect());
        }
        self.ranges(&index, &[(encode::from(&prefix), encode::before(&encode::after(&prefix)))]);
        // Two conditions on one field are checked both.
        let mut seen = 0;
        for part in &conditions {
            let is_first = |field: &&str| {
                matches!(part, Filter::Compare(index, Comparison::Equal, value)
                if index == field && equal(field) == Some(encode::value(value)))
            };
            if !fields[..fixed].iter().any(is_first) {
                self.filter(part)?;
                seen += 1;
            }
        }
        self.text("all").text(&(seen + 1).to_string());
        Ok(())
    }

    /// Rows with one of these values.
    fn one(&mut self, index: &str, values: &[Value]) -> Result<(), StoreError> {
        let place = self.index(index)?;
        let mut values: Vec<_> = values.iter().map(encode::value).collect();
        values.sort_unstable();
        values.dedup();
        self.text("one").text(&place).text(&values.len().to_string());
        self.arguments.extend(values);
        Ok(())
    }

    fn filter(&mut self, filter: &Filter) -> Result<(), StoreError> {
        match filter {
            Filter::Compare(index, Comparison::Equal, value) => self.one(index, std::slice::from_ref(value)),
            Filter::OneOf(index, values) | Filter::Has(index, values) => self.one(index, values),
            Filter::Compare(index, comparison, value) => {
                let ranges = compared(*comparison, value);
                self.ranges(&self.index(index)?, &ranges);
                Ok(())
            }
            Filter::Key(comparison, key) => {
                self.ranges(KEYS, &keys_compared(*comparison, key));
                Ok(())
            }
            Filter::All(parts) if parts.is_empty() => {
                self.text("every");
                Ok(())
            }
            Filter::All(parts) => self.parts("all", parts),
            Filter::Any(parts) => self.parts("any", parts),
        }
    }

    fn parts(&mut self, kind: &str, parts: &[Filter]) -> Result<(), StoreError> {
        for part in parts {
            self.filter(part)?;
        }
        self.text(kind).text(&parts.len().to_string());
        Ok(())
    }

    fn ranges(&mut self, place: &str, ranges: &[Range]) {
        self.text("range").text(place).text(&ranges.len().to_string());
        for (from, to) in ranges {
            self.arguments.extend([from.clone(), to.clone()]);
        }
    }
}

/// The ranges of an index that match a comparison.
fn compared(comparison: Comparison, value: &Value) -> Vec<Range> {
    let bytes = encode::value(value);
    let (from_it, after_it) = (encode::before(&bytes), encode::after(&bytes));
    let is_null = bytes == encode::value(&Value::Null);
    match comparison {
        Comparison::Equal => vec![(encode::from(&bytes), encode::before(&encode::after(&bytes)))],
        Comparison::NotEqual => vec![(LEAST.into(), from_it), (encode::from(&after_it), GREATEST.into())],
        _ if is_null => Vec::new(),
        Comparison::Less => vec![(encode::from(&encode::first()), from_it)],
        Comparison::LessOrEqual => vec![(encode::from(&encode::first()), encode::before(&after_it))],
        Comparison::Greater => vec![(encode::from(&after_it), GREATEST.into())],
        Comparison::GreaterOrEqual => vec![(encode::from(&bytes), GREATEST.into())],
    }
}

/// The ranges of the keys that match a comparison.
fn keys_compared(comparison: Comparison, key: &str) -> Vec<Range> {
    let (at, before) = (encode::from(key.as_bytes()), encode::before(key.as_bytes()));
    match comparison {
        Comparison::Equal => vec![(at.clone(), at)],
        Comparison::NotEqual => vec![(LEAST.into(), before.clone()), (before, GREATEST.into())],
        Comparison::Less => vec![(LEAST.into(), before)],
        Comparison::LessOrEqual => vec![(LEAST.into(), at)],
        Comparison::Greater => vec![(before, GREATEST.into())],
        Comparison::GreaterOrEqual => vec![(at, GREATEST.into())],
    }
}

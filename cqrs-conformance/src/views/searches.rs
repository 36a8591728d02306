//! Searches: they find what their filter takes, in their order.

use std::cmp::Ordering;

use super::{INDEXES, Site, THINGS, keys, prepared, row, sorted, write};
use cqrs_core::random::Random;
use cqrs_core::view::{ColumnKind, Value};
use cqrs_core::view::{Comparison, Filter, Row, RowQuery};

/// A transaction finds rows by the values of an index (`Null` is one), as it has left them.
pub async fn rows_are_found_by_an_index(site: Site) {
    prepared(&site, &[THINGS]).await;
    let with = |key: &str, text: Value| {
        let mut row = row(key, 1);
        row.indexes[3] = text;
        row
    };
    let (x, y) = (|| Value::Text("x".into()), || Value::Text("y".into()));
    let mut tx = site.begin().await;
    let stored = [with("1", x()), with("2", x()), with("3", y()), with("4", Value::Null), with("5", x())];
    write(&mut tx, &THINGS, &stored, &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[with("2", y()), with("6", x())], &["5".into()]).await;
    for (values, expected) in [
        (vec![x()], vec!["1", "6"]),
        (vec![x(), y()], vec!["1", "2", "3", "6"]),
        (vec![Value::Null], vec!["4"]),
        (vec![Value::Null, y(), y()], vec!["2", "3", "4"]),
        (vec![Value::Text("X".into())], vec![]),
        (vec![], vec![]),
    ] {
        let rows = tx.view_rows().rows_by(&THINGS, "key", &values).await.expect("rows can be read by an index");
        assert_eq!(keys(&sorted(&rows)), expected, "a transaction finds the rows whose index is one of {values:?}");
    }
}

/// A search finds the rows that its filter takes, in its order, from its offset, up to its limit; a count counts them.
pub async fn searches_find_what_their_filter_takes(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let mut random = Random::new();
    let rows: Vec<Row> = (0..150).map(|n| random_row(&mut random, n)).collect();
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &rows, &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let mut filters = vec![Filter::All(Vec::new()), Filter::Any(Vec::new())];
    for index in INDEXES {
        for value in values(index.kind).into_iter().chain([Value::Null]) {
            filters.extend(COMPARISONS.map(|comparison| Filter::Compare(index.name, comparison, value.clone())));
        }
        filters.push(Filter::OneOf(index.name, Vec::new()));
    }
    filters.extend((0..400).map(|_| random_filter(&mut random, 3)));
    for filter in filters {
        let order = (0..random.below(3)).map(|_| (random.pick(INDEXES).name, random.once_in(2))).collect();
        let limit = if random.once_in(2) { u32::try_from(random.below(60)).ok() } else { None };
        let offset = if random.once_in(2) { random.below(40) as u64 } else { 0 };
        let query = RowQuery { filter, order, limit, offset };
        let expected = naive_search(&rows, &query);
        let found = views.find(&THINGS, &query).await.expect("rows can be searched");
        assert_eq!(keys(&found), keys(&expected), "what a search finds: {query:?}, {}", random.again());
        assert!(found == expected, "a search returns whole rows: {query:?}, {}", random.again());
        let count = rows.iter().filter(|row| takes(&query.filter, row)).count() as u64;
        let counted = views.count(&THINGS, &query.filter).await.expect("rows can be counted");
        assert_eq!(counted, count, "a count is of all rows that the filter takes: {query:?}, {}", random.again());
    }
}

const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

/// Values of a kind, its limits and traps among them.
pub(super) fn values(kind: ColumnKind) -> Vec<Value> {
    match kind {
        ColumnKind::Bool => vec![Value::Bool(false), Value::Bool(true)],
        ColumnKind::Integer => {
            [i64::MIN, -1, 0, 1, 9, 10, (1 << 53) + 1, i64::MAX].into_iter().map(Value::Integer).collect()
        }
        ColumnKind::Real => [f64::MIN, -1.5, 0.0, 0.1 + 0.2, 1.0, 10.0, 1e300].into_iter().map(Value::Real).collect(),
        // In the order of bytes a capital comes before every small letter, and an emoji after every letter.
        ColumnKind::Text => ["", " ", "10", "9", "A", "B", "a", "a%", "a_", "it's", "é", "\u{ffee}", "💶", "null"]
            .map(|text| Value::Text(text.into()))
            .to_vec(),
    }
}

fn random_value(random: &mut Random, kind: ColumnKind) -> Value {
    if random.once_in(5) { Value::Null } else { random.pick(&values(kind)).clone() }
}

fn random_row(random: &mut Random, number: usize) -> Row {
    let indexes = INDEXES.iter().map(|index| random_value(random, index.kind)).collect();
    let key = format!("{}{number}", random.pick(&["a", "A", "é", "_"]));
    Row { indexes, ..row(&key, number as u64) }
}

fn random_filter(random: &mut Random, depth: usize) -> Filter {
    let index = *random.pick(INDEXES);
    let parts = |random: &mut Random| (0..random.below(4)).map(|_| random_filter(random, depth - 1)).collect();
    match random.below(if depth == 0 { 2 } else { 4 }) {
        0 => Filter::Compare(index.name, *random.pick(&COMPARISONS), random_value(random, index.kind)),
        1 => Filter::OneOf(index.name, (0..random.below(5)).map(|_| random_value(random, index.kind)).collect()),
        2 => Filter::All(parts(random)),
        _ => Filter::Any(parts(random)),
    }
}

/// What a search should find, by the words of [`Filter`] and [`RowQuery`].
fn naive_search(rows: &[Row], query: &RowQuery) -> Vec<Row> {
    let mut found: Vec<Row> = rows.iter().filter(|row| takes(&query.filter, row)).cloned().collect();
    found.sort_by(|a, b| {
        let by = query.order.iter().map(|(index, descending)| {
            let ascending = ordered(index_of(a, index), index_of(b, index));
            if *descending { ascending.reverse() } else { ascending }
        });
        by.fold(Ordering::Equal, Ordering::then).then_with(|| a.key.as_bytes().cmp(b.key.as_bytes()))
    });
    let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
    found.into_iter().skip(usize::try_from(query.offset).unwrap_or(usize::MAX)).take(limit).collect()
}

fn index_of<'a>(row: &'a Row, index: &str) -> &'a Value {
    let place = INDEXES.iter().position(|shape| shape.name == index);
    &row.indexes[place.expect("the checks name indexes that there are")]
}

/// `Null` first, then each kind by its own order.
fn ordered(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Real(a), Value::Real(b)) => a.total_cmp(b),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        _ => unreachable!("an index holds one kind of value"),
    }
}

fn takes(filter: &Filter, row: &Row) -> bool {
    match filter {
        Filter::Compare(index, comparison, wanted) => {
            let there = index_of(row, index);
            let ordering = ordered(there, wanted);
            let comparable = *there != Value::Null && *wanted != Value::Null;
            match comparison {
                Comparison::Equal => ordering.is_eq(),
                Comparison::NotEqual => ordering.is_ne(),
                Comparison::Less => comparable && ordering.is_lt(),
                Comparison::LessOrEqual => comparable && ordering.is_le(),
                Comparison::Greater => comparable && ordering.is_gt(),
                Comparison::GreaterOrEqual => comparable && ordering.is_ge(),
            }
        }
        Filter::OneOf(index, wanted) => wanted.iter().any(|wanted| ordered(index_of(row, index), wanted).is_eq()),
        Filter::All(parts) => parts.iter().all(|part| takes(part, row)),
        Filter::Any(parts) => parts.iter().any(|part| takes(part, row)),
    }
}

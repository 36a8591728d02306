//! Searches: they find what their filter takes, in their order.

use std::cmp::Ordering;

use super::{INDEXES, MULTI, Site, THINGS, bare, keys, prepared, row, sorted, write};
use cqrs_core::random::Random;
use cqrs_core::view::{ColumnKind, Value};
use cqrs_core::view::{Comparison, Filter, Place, Row, RowQuery};

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
    for index in MULTI {
        filters.extend(values(index.kind).into_iter().map(|value| Filter::Has(index.name, vec![value])));
        filters.extend([Filter::Has(index.name, Vec::new()), Filter::Has(index.name, values(index.kind))]);
    }
    filters.extend((0..400).map(|_| random_filter(&mut random, 3)));
    for filter in filters {
        let order = random_order(&mut random);
        let limit = if random.once_in(2) { u32::try_from(random.below(60)).ok() } else { None };
        let offset = if random.once_in(2) { random.below(40) as u64 } else { 0 };
        let start = if random.once_in(2) { Some(random_place(&mut random, &order, &rows)) } else { None };
        let query = RowQuery { filter, order, reversed: random.once_in(2), start, limit, offset };
        let expected = naive_search(&rows, &query);
        let found = bare(views.find(&THINGS, &query).await.expect("rows can be searched"));
        assert_eq!(keys(&found), keys(&expected), "what a search finds: {query:?}, {}", random.again());
        assert!(found == bare(expected), "a search returns whole rows: {query:?}, {}", random.again());
        let count = rows.iter().filter(|row| takes(&query.filter, row)).count() as u64;
        let counted = views.count(&THINGS, &query.filter).await.expect("rows can be counted");
        assert_eq!(counted, count, "a count is of all rows that the filter takes: {query:?}, {}", random.again());
        let exists = views.exists(&THINGS, &query.filter).await.expect("rows can be looked for");
        assert_eq!(exists, count > 0, "whether a filter takes a row: {query:?}, {}", random.again());
    }
}

/// The pages of a search, each from the end of the one before, are its rows, each once and in order, and so are those that go
/// back. That holds for a search whose place has no row any more, and for values that many rows share.
pub async fn pages_are_the_rows_of_a_search_each_once(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let mut random = Random::new();
    let rows: Vec<Row> = (0..90).map(|n| random_row(&mut random, n)).collect();
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &rows, &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let orders = INDEXES.iter().flat_map(|index| [false, true].map(|descends| vec![(index.name, descends)]));
    let orders: Vec<_> = orders.chain([vec![]]).chain((0..12).map(|_| random_order(&mut random))).collect();
    for order in orders {
        for reversed in [false, true] {
            let filter = if random.once_in(2) { Filter::All(Vec::new()) } else { random_filter(&mut random, 1) };
            let limit = 1 + random.below(12);
            let mut query = RowQuery { order: order.clone(), reversed, ..RowQuery::new(filter) };
            let expected = naive_search(&rows, &query);
            query.limit = u32::try_from(limit).ok();
            let mut found = Vec::new();
            loop {
                let page = views.find(&THINGS, &query).await.expect("rows can be searched");
                let full = page.len() == limit;
                found.extend(page);
                let Some(last) = found.last().filter(|_| full) else { break };
                query.start = Some(place_of(last, &order));
            }
            assert_eq!(keys(&found), keys(&expected), "pages are the rows: {query:?}, {}", random.again());
        }
    }
}

/// A count by an index has each of its values with the number of rows, the most frequent first; a sum adds its numbers up, and says
/// so where they do not fit.
pub async fn values_of_an_index_are_counted_and_added_up(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let mut random = Random::new();
    let small = |random: &mut Random, n: usize| {
        let mut row = random_row(random, n);
        row.indexes[1] = random.pick(&[Value::Null, Value::Integer(-3), Value::Integer(7)]).clone();
        row.indexes[2] = random.pick(&[Value::Null, Value::Real(0.5), Value::Real(-2.25)]).clone();
        row
    };
    let rows: Vec<Row> = (0..120).map(|n| small(&mut random, n)).collect();
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &rows, &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let every = || Filter::All(Vec::new());
    let filters = [every(), Filter::Any(Vec::new())].into_iter().chain((0..40).map(|_| random_filter(&mut random, 2)));
    for filter in filters.collect::<Vec<_>>() {
        let taken: Vec<&Row> = rows.iter().filter(|row| takes(&filter, row)).collect();
        for index in INDEXES.iter().chain(MULTI) {
            let values = || taken.iter().flat_map(|row| values_of(row, index.name));
            let mut expected: Vec<(Value, u64)> = Vec::new();
            for value in values() {
                match expected.iter_mut().find(|(known, _)| ordered(known, value).is_eq()) {
                    Some((_, times)) => *times += 1,
                    None => expected.push((value.clone(), 1)),
                }
            }
            expected.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| ordered(a, b)));
            for limit in [None, Some(0), Some(2)] {
                let counted = views.count_by(&THINGS, &filter, index.name, limit).await.expect("values can be counted");
                let expected = &expected[..limit.map_or(usize::MAX, |limit| limit as usize).min(expected.len())];
                assert_eq!(counted, expected, "a count by {index:?}: {filter:?}, {limit:?}, {}", random.again());
            }
        }
        let integer = |row: &&Row| if let Value::Integer(value) = row.indexes[1] { value } else { 0 };
        let real = |row: &&Row| if let Value::Real(value) = row.indexes[2] { value } else { 0.0 };
        for (index, expected) in [
            ("position", Value::Integer(taken.iter().map(integer).sum())),
            ("document", Value::Real(taken.iter().map(real).sum())),
        ] {
            let sum = views.sum(&THINGS, &filter, index).await.expect("numbers can be added up");
            assert!(ordered(&sum, &expected).is_eq() || sum == expected, "{sum:?} is not {expected:?}: {filter:?}");
        }
    }
    assert!(views.sum(&THINGS, &every(), "key").await.is_err(), "texts are not added up");
    let mut tx = site.begin().await;
    let most = |key: &str| {
        let mut row = row(key, 200);
        row.indexes[1] = Value::Integer(i64::MAX);
        row
    };
    write(&mut tx, &THINGS, &[most("most"), most("most too")], &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let error = views.sum(&THINGS, &every(), "position").await;
    assert!(error.is_err(), "a sum that does not fit is refused, and is not {error:?}");
}

fn random_order(random: &mut Random) -> Vec<(&'static str, bool)> {
    (0..random.below(3)).map(|_| (random.pick(INDEXES).name, random.once_in(2))).collect()
}

fn place_of(row: &Row, order: &[(&'static str, bool)]) -> Place {
    let values = order.iter().map(|(index, _)| index_of(row, index).clone()).collect();
    Place { values, key: row.key.clone(), inclusive: false }
}

/// The place of a row, or one where there is none.
pub(super) fn random_place(random: &mut Random, order: &[(&'static str, bool)], rows: &[Row]) -> Place {
    let place = place_of(random.pick(rows), order);
    if random.once_in(2) {
        return Place { inclusive: random.once_in(2), ..place };
    }
    let kind = |name: &str| INDEXES.iter().find(|index| index.name == name).expect("an index").kind;
    let mut values: Vec<Value> = Vec::new();
    for (at, (name, _)) in order.iter().enumerate() {
        // A field that is named twice has one value.
        let known = order[..at].iter().position(|(known, _)| known == name);
        values.push(known.map_or_else(|| random_value(random, kind(name)), |known| values[known].clone()));
    }
    let key = random.pick(&["", "a5", "b", "é1x", "zz"]);
    Place { values, key: (*key).to_owned(), inclusive: random.once_in(2) }
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

pub(super) fn random_value(random: &mut Random, kind: ColumnKind) -> Value {
    if random.once_in(5) { Value::Null } else { random.pick(&values(kind)).clone() }
}

pub(super) fn random_row(random: &mut Random, number: usize) -> Row {
    let indexes = INDEXES.iter().map(|index| random_value(random, index.kind)).collect();
    let multi_values = MULTI.iter().map(|index| random_values(random, index.kind)).collect();
    let key = format!("{}{number}", random.pick(&["a", "A", "é", "_"]));
    Row { indexes, multi_values, ..row(&key, number as u64) }
}

/// Values of a multi-valued index, each once and in order.
pub(super) fn random_values(random: &mut Random, kind: ColumnKind) -> Vec<Value> {
    let mut values: Vec<Value> = (0..random.below(4)).map(|_| random.pick(&values(kind)).clone()).collect();
    values.sort_by(ordered);
    values.dedup();
    values
}

pub(super) fn random_filter(random: &mut Random, depth: usize) -> Filter {
    let index = *random.pick(INDEXES);
    let parts = |random: &mut Random| (0..random.below(4)).map(|_| random_filter(random, depth - 1)).collect();
    let multi = *random.pick(MULTI);
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => Filter::Compare(index.name, *random.pick(&COMPARISONS), random_value(random, index.kind)),
        1 => Filter::OneOf(index.name, (0..random.below(5)).map(|_| random_value(random, index.kind)).collect()),
        2 => Filter::Key(*random.pick(&COMPARISONS), (*random.pick(&["", "a", "a5", "A17", "é", "zz"])).to_owned()),
        3 => {
            let wanted = (0..random.below(3)).map(|_| random.pick(&values(multi.kind)).clone()).collect();
            Filter::Has(multi.name, wanted)
        }
        4 => Filter::All(parts(random)),
        _ => Filter::Any(parts(random)),
    }
}

/// What a search should find, by the words of [`Filter`] and [`RowQuery`].
pub(super) fn naive_search(rows: &[Row], query: &RowQuery) -> Vec<Row> {
    let mut found: Vec<Row> = rows.iter().filter(|row| takes(&query.filter, row)).cloned().collect();
    // The keys of rows that are otherwise equal go the way of the last field.
    let by_key = (None, query.order.last().is_some_and(|(_, descending)| *descending));
    let order: Vec<(Option<&str>, bool)> =
        query.order.iter().map(|(index, descending)| (Some(*index), *descending)).chain([by_key]).collect();
    let compared = |there: &dyn Fn(Option<&str>) -> Ordering| {
        let by = order.iter().map(|(index, descending)| {
            let ascending = there(*index);
            if *descending ^ query.reversed { ascending.reverse() } else { ascending }
        });
        by.fold(Ordering::Equal, Ordering::then)
    };
    found.sort_by(|a, b| {
        compared(&|index| match index {
            Some(index) => ordered(index_of(a, index), index_of(b, index)),
            None => a.key.as_bytes().cmp(b.key.as_bytes()),
        })
    });
    if let Some(place) = &query.start {
        let value = |index: &str| {
            &place.values[query.order.iter().position(|(named, _)| *named == index).expect("a field of the order")]
        };
        found.retain(|row| {
            let order = compared(&|index| match index {
                Some(index) => ordered(index_of(row, index), value(index)),
                None => row.key.as_bytes().cmp(place.key.as_bytes()),
            });
            order.is_gt() || place.inclusive && order.is_eq()
        });
    }
    let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
    found.into_iter().skip(usize::try_from(query.offset).unwrap_or(usize::MAX)).take(limit).collect()
}

fn index_of<'a>(row: &'a Row, index: &str) -> &'a Value {
    let place = INDEXES.iter().position(|shape| shape.name == index);
    &row.indexes[place.expect("the checks name indexes that there are")]
}

/// The values of an index of either sort.
pub(super) fn values_of<'a>(row: &'a Row, index: &str) -> &'a [Value] {
    match MULTI.iter().position(|shape| shape.name == index) {
        Some(place) => &row.multi_values[place],
        None => std::slice::from_ref(index_of(row, index)),
    }
}

/// `Null` first, then each kind by its own order.
pub(super) fn ordered(a: &Value, b: &Value) -> Ordering {
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

pub(super) fn takes(filter: &Filter, row: &Row) -> bool {
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
        Filter::Key(comparison, wanted) => {
            let ordering = row.key.as_bytes().cmp(wanted.as_bytes());
            match comparison {
                Comparison::Equal => ordering.is_eq(),
                Comparison::NotEqual => ordering.is_ne(),
                Comparison::Less => ordering.is_lt(),
                Comparison::LessOrEqual => ordering.is_le(),
                Comparison::Greater => ordering.is_gt(),
                Comparison::GreaterOrEqual => ordering.is_ge(),
            }
        }
        Filter::OneOf(index, wanted) => wanted.iter().any(|wanted| ordered(index_of(row, index), wanted).is_eq()),
        Filter::Has(index, wanted) => {
            values_of(row, index).iter().any(|value| wanted.iter().any(|wanted| ordered(value, wanted).is_eq()))
        }
        Filter::All(parts) => parts.iter().all(|part| takes(part, row)),
        Filter::Any(parts) => parts.iter().any(|part| takes(part, row)),
    }
}

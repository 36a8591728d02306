//! Compound indexes: they change no answer.

use super::searches::{naive_search, random_filter, random_place, random_row, random_value};
use super::{COMPOUNDS, INDEXES, Site, THINGS, keys, prepared, write};
use cqrs_core::random::Random;
use cqrs_core::view::{Comparison, Filter, Row, RowQuery};

/// A search that compares the first fields of a compound index and is sorted by the others finds what it finds without the index, in
/// the same order, whether all are sorted in one direction or not; other conditions, a limit, an offset or a start do not matter. So does one after rows were
/// changed and removed.
pub async fn compound_indexes_sort_what_they_find(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let mut random = Random::new();
    let mut rows: Vec<Row> = (0..200).map(|n| few_values(&mut random, n)).collect();
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &rows, &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    for round in 0..2 {
        for _ in 0..300 {
            let query = random_query(&mut random, &rows);
            let expected = naive_search(&rows, &query);
            let found = views.find(&THINGS, &query).await.expect("rows can be searched");
            assert_eq!(keys(&found), keys(&expected), "what a search finds: {query:?}, {}", random.again());
        }
        if round == 0 {
            let removed: Vec<String> = rows.drain(150..).map(|row| row.key).collect();
            for (n, row) in rows.iter_mut().enumerate().take(70) {
                let indexes = few_values(&mut random, n).indexes;
                *row = Row { indexes, ..row.clone() };
            }
            let mut tx = site.begin().await;
            write(&mut tx, &THINGS, &rows, &removed).await;
            tx.commit().await.expect("a transaction can be committed");
        }
    }
}

/// A row of values that many rows share.
fn few_values(random: &mut Random, n: usize) -> Row {
    let mut row = random_row(random, n);
    for (place, index) in INDEXES.iter().enumerate() {
        if random.once_in(2) {
            row.indexes[place] = super::searches::values(index.kind)[0].clone();
        }
    }
    Row { position: cqrs_core::Position::new(1), ..row }
}

fn random_query(random: &mut Random, rows: &[Row]) -> RowQuery {
    let compound = *random.pick(COMPOUNDS);
    let fixed = 1 + random.below(compound.len() - 1);
    let kind = |name: &str| INDEXES.iter().find(|index| index.name == name).expect("an index").kind;
    let mut parts: Vec<Filter> = Vec::new();
    for name in &compound[..fixed] {
        let known = random.pick(rows);
        let place = INDEXES.iter().position(|index| index.name == *name).expect("an index");
        let value = if random.once_in(4) { random_value(random, kind(name)) } else { known.indexes[place].clone() };
        parts.push(Filter::Compare(name, Comparison::Equal, value));
    }
    if random.once_in(2) {
        parts.insert(random.below(parts.len() + 1), random_filter(random, 1));
    }
    let descends = random.once_in(2);
    let mixed = random.once_in(4);
    let turned = |random: &mut Random| if mixed { random.once_in(2) } else { descends };
    let order: Vec<(&'static str, bool)> = compound[fixed..].iter().map(|name| (*name, turned(random))).collect();
    RowQuery {
        start: if random.once_in(2) { Some(random_place(random, &order, rows)) } else { None },
        order,
        reversed: random.once_in(2),
        limit: if random.once_in(4) { None } else { u32::try_from(random.below(20)).ok() },
        offset: if random.once_in(4) { random.below(5) as u64 } else { 0 },
        ..RowQuery::new(if parts.len() == 1 && random.once_in(2) { parts.remove(0) } else { Filter::All(parts) })
    }
}

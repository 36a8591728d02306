//! Multi-valued indexes: what a row has of them goes with the row.

use std::collections::BTreeMap;

use super::searches::{random_values, values, values_of};
use super::{Held, MULTI, QUOTED, Site, THINGS, keys, prepared, row, sorted, write};
use cqrs_core::Position;
use cqrs_core::random::Random;
use cqrs_core::view::{ColumnKind, Filter, Generation, Removed, Row, RowQuery, Value, ViewShape, ViewStore};

/// A row is found by the values that it has, and by none that it had before it was changed, removed, cleared, undone, or replaced
/// by another build. A view of another shape, and another view, have values of their own.
pub async fn values_of_several_are_kept(site: Site) {
    let views = prepared(&site, &[THINGS, QUOTED]).await;
    let mut random = Random::new();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for round in 0..30 {
        let mut tx = site.begin().await;
        let undone = random.once_in(4);
        let before = rows.clone();
        if undone {
            tx.view_rows().savepoint().await.expect("a savepoint can be set");
        }
        let put: Vec<Row> = (0..random.below(5)).map(|_| with_values(&mut random, round)).collect();
        let put: BTreeMap<String, Row> = put.into_iter().map(|row| (row.key.clone(), row)).collect();
        let remove: Vec<String> = (0..random.below(2)).map(|_| some_key(&mut random)).collect();
        let remove: Vec<String> = remove.into_iter().filter(|key| !put.contains_key(key)).collect();
        let gone: Vec<Removed> = remove.iter().map(|key| Removed { key: key.clone(), position: at(round) }).collect();
        let puts: Vec<Row> = put.values().cloned().collect();
        tx.view_rows().write(&THINGS, &puts, &gone).await.expect("a transaction can write rows");
        rows.extend(put);
        rows.retain(|key, _| !remove.contains(key));
        in_transaction(&mut tx, &rows, &mut random).await;
        if undone {
            tx.view_rows().end_savepoint(true).await.expect("a savepoint can be undone");
            rows = before;
            in_transaction(&mut tx, &rows, &mut random).await;
        }
        tx.commit().await.expect("a transaction can be committed");
        stored(&*views, &THINGS, &rows, &random).await;
        if round % 10 == 9 {
            let mut tx = site.begin().await;
            tx.view_rows().clear(Some(&THINGS), "One").await.expect("a view can be cleared");
            rows.clear();
            in_transaction(&mut tx, &rows, &mut random).await;
            tx.commit().await.expect("a transaction can be committed");
            stored(&*views, &THINGS, &rows, &random).await;
        }
        stored(&*views, &QUOTED, &BTreeMap::new(), &random).await;
    }
    if let Site::Alone(_) = site {
        rows = replaced(&site, &*views, &mut random).await;
        stored(&*views, &THINGS, &rows, &random).await;
    }
    let other = ViewShape { multi_indexes: &MULTI[1..2], fingerprint: 21, ..THINGS };
    prepared(&site, &[other]).await;
    let sizes = &MULTI[1];
    for value in values(sizes.kind) {
        let has = Filter::Has(sizes.name, vec![value]);
        assert_eq!(views.count(&other, &has).await.expect("rows can be counted"), 0, "another shape has no values yet");
    }
}

/// The rows of another build, which takes the place of the view.
async fn replaced(site: &Site, views: &dyn ViewStore, random: &mut Random) -> BTreeMap<String, Row> {
    let next = ViewShape { name: "Things@next", fingerprint: 22, ..THINGS };
    prepared(site, &[next]).await;
    let put: BTreeMap<String, Row> =
        (0..8).map(|round| with_values(random, round)).map(|row| (row.key.clone(), row)).collect();
    let mut tx = site.begin().await;
    write(&mut tx, &next, &put.values().cloned().collect::<Vec<_>>(), &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    stored(views, &next, &put, random).await;
    let mut tx = site.begin().await;
    let (live, next) =
        (Generation { shape: THINGS, projection: "Live" }, Generation { shape: next, projection: "Live@next" });
    tx.view_rows().replace(live, next).await.expect("a view can take another's place");
    tx.commit().await.expect("a transaction can be committed");
    put
}

fn some_key(random: &mut Random) -> String {
    (*random.pick(&["a", "A", "é", "b\0", ""])).to_owned()
}

fn with_values(random: &mut Random, round: u64) -> Row {
    let multi_values = MULTI.iter().map(|index| random_values(random, index.kind)).collect();
    Row { multi_values, position: at(round), ..row(&some_key(random), 0) }
}

/// The position of the event of a round.
fn at(round: u64) -> Position {
    Position::new(100 + round)
}

/// What to look for in an index: single values, two of them, and all.
fn wanted(kind: ColumnKind) -> Vec<Vec<Value>> {
    let all = values(kind);
    all.iter().map(|value| vec![value.clone()]).chain([all[..2].to_vec(), all.clone(), Vec::new()]).collect()
}

fn expected<'a>(rows: &'a BTreeMap<String, Row>, index: &str, wanted: &[Value]) -> Vec<&'a str> {
    let has = |row: &&Row| values_of(row, index).iter().any(|value| wanted.contains(value));
    rows.values().filter(has).map(|row| row.key.as_str()).collect()
}

async fn in_transaction(tx: &mut Held, rows: &BTreeMap<String, Row>, random: &mut Random) {
    let index = random.pick(MULTI);
    for wanted in wanted(index.kind) {
        let found = tx.view_rows().rows_by(&THINGS, index.name, &wanted).await.expect("rows can be read by an index");
        let expected = expected(rows, index.name, &wanted);
        assert_eq!(
            keys(&sorted(&found)),
            expected,
            "a transaction finds each row that has one of {wanted:?} once, {}",
            random.again()
        );
    }
}

async fn stored(views: &dyn ViewStore, shape: &ViewShape, rows: &BTreeMap<String, Row>, random: &Random) {
    for index in MULTI {
        for wanted in wanted(index.kind) {
            let query = RowQuery::new(Filter::Has(index.name, wanted.clone()));
            let found = views.find(shape, &query).await.expect("rows can be searched");
            let expected = expected(rows, index.name, &wanted);
            assert_eq!(keys(&found), expected, "the rows that have one of {wanted:?}, {}", random.again());
        }
    }
}

//! Rows: what is put comes back, and what is removed does not.

use super::searches::values;
use super::{
    INDEXES, PLAIN, QUOTED, Site, THINGS, checkpoint, every_row, own_rows, parked, prepared, row, sorted, stored_rows,
    write,
};
use cqrs_core::Position;
use cqrs_core::view::Value;
use cqrs_core::view::{Checkpoint, Filter, Row, ViewShape};

/// A row is put, put in place of another, removed; and found by its key exactly, in the transaction and after it.
pub async fn rows_are_put_replaced_and_removed(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let keys = ["a", "A", "a ", "", "é", "[\"1\",\"2\"]", "it's"];
    let mut tx = site.begin().await;
    let all: Vec<Row> = keys.iter().map(|key| row(key, 1)).collect();
    write(&mut tx, &THINGS, &all, &[]).await;
    assert_eq!(own_rows(&mut tx, &keys).await, sorted(&all), "a transaction finds the rows that it has put");
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(stored_rows(&*views, &keys).await, sorted(&all), "every key finds its own row");
    assert_eq!(stored_rows(&*views, &["b", "a"]).await, [row("a", 1)], "a key that has no row finds nothing");
    assert_eq!(stored_rows(&*views, &[]).await, [], "no keys find no rows");

    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 2), row("new", 2)], &["A".into(), "never".into()]).await;
    write(&mut tx, &THINGS, &[row("new", 3)], &["é".into()]).await;
    let expected = [row("a", 2), row("new", 3)];
    assert_eq!(own_rows(&mut tx, &["a", "A", "new", "é"]).await, expected, "a transaction finds rows as it left them");
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(stored_rows(&*views, &["a", "A", "new", "é"]).await, expected, "rows are replaced and removed");
    assert_eq!(stored_rows(&*views, &["a ", ""]).await, sorted(&[row("a ", 1), row("", 1)]), "other rows stay");
}

/// Every value of every kind comes back as it was, next to the document and the position.
pub async fn every_value_comes_back(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let mut rows = Vec::new();
    for (place, index) in INDEXES.iter().enumerate() {
        for value in values(index.kind) {
            let mut row = row(&format!("{} {value:?}", index.name), u64::from(u32::MAX) + 1);
            row.indexes[place] = value;
            rows.push(row);
        }
    }
    rows[0].document = format!("{{\"text\":\"{}💥\\u0000\"}}", "läng ".repeat(200_000)).into();
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &rows, &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let keys: Vec<String> = rows.iter().map(|row| row.key.clone()).collect();
    let found = sorted(&views.rows(&THINGS, &keys).await.expect("rows can be read"));
    for (found, written) in found.iter().zip(&sorted(&rows)) {
        assert_eq!(found.indexes, written.indexes, "every value comes back as it was");
        assert!(found == written, "document and position of `{}` come back as they were", found.key);
    }
    assert_eq!(found.len(), rows.len(), "every row comes back");
}

/// Each view has rows of its own, under any name, with indexes or without.
pub async fn views_do_not_mix(site: Site) {
    let views = prepared(&site, &[THINGS, PLAIN, QUOTED]).await;
    let plain = |document: &str| Row { indexes: Vec::new(), document: document.into(), ..row("a", 1) };
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1)], &[]).await;
    write(&mut tx, &PLAIN, &[plain("\"plain\"")], &[]).await;
    write(&mut tx, &QUOTED, &[row("a", 2)], &[]).await;
    write(&mut tx, &QUOTED, &[], &["b".into()]).await;
    tx.commit().await.expect("a transaction can be committed");
    for (shape, expected) in [(THINGS, row("a", 1)), (PLAIN, plain("\"plain\"")), (QUOTED, row("a", 2))] {
        assert_eq!(every_row(&*views, &shape).await, [expected], "view `{}` has rows of its own", shape.name);
    }
}

/// As many rows as a large batch touches are written, found and removed in one call: `count` of them, at least 100.
pub async fn many_rows_at_once(site: Site, count: usize) {
    let views = prepared(&site, &[THINGS]).await;
    let rows: Vec<Row> = (0..count).map(|n| row(&format!("{n:05}"), 1)).collect();
    let keys: Vec<String> = rows.iter().map(|row| row.key.clone()).collect();
    let numbers: Vec<Value> = rows.iter().map(|row| row.indexes[1].clone()).collect();
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &rows[..100], &[]).await;
    let by = tx.view_rows().rows_by(&THINGS, "position", &numbers).await.expect("rows can be read by an index");
    assert_eq!(by.len(), 100, "a transaction finds rows by as many values as a batch has");
    tx.commit().await.expect("a transaction can be committed");
    let wanted = Filter::OneOf("position", numbers);
    assert_eq!(views.count(&THINGS, &wanted).await.expect("rows can be counted"), 100, "rows of one of many values");

    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &rows, &[]).await;
    assert_eq!(tx.rows_of(&keys).await.len(), count, "a transaction finds as many rows as it has put");
    tx.commit().await.expect("a transaction can be committed");
    let found = views.rows(&THINGS, &keys).await.expect("rows can be read");
    assert_eq!(found.len(), count, "as many rows as there are keys are found");
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[], &keys[1..]).await;
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(every_row(&*views, &THINGS).await, rows[..1], "as many rows as there are keys are removed");
}

/// Clearing takes a view's rows, every checkpoint of its shape, and its projection's checkpoint and parked keys; others stay. What is written afterwards in
/// the same transaction stays too.
pub async fn a_cleared_view_is_empty(site: Site) {
    let views = prepared(&site, &[THINGS, QUOTED]).await;
    let here = Checkpoint::at(Position::new(1).into(), 9);
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1), row("b", 1)], &[]).await;
    write(&mut tx, &QUOTED, &[row("a", 1)], &[]).await;
    let claim = Checkpoint::at(Position::new(1).into(), THINGS.fingerprint);
    tx.reach(&[("One", here), ("Two", here), ("Earlier", claim)]).await;
    tx.commit().await.expect("a transaction can be committed");
    let mut tx = site.begin().await;
    tx.reach(&[("Present", claim)]).await;
    write(&mut tx, &THINGS, &[row("c", 2)], &[]).await;
    tx.view_rows().park(&[parked("One", "c")]).await.expect("keys can be parked");
    tx.view_rows().clear(Some(&THINGS), "One").await.expect("a view can be cleared");
    assert_eq!(own_rows(&mut tx, &["a", "b", "c"]).await, [], "a cleared view has no rows");
    let by = tx.view_rows().rows_by(&THINGS, "order", &[row("a", 1).indexes[0].clone()]).await;
    assert_eq!(by.expect("rows can be read by an index"), [], "a cleared view has no rows, by no index");
    assert_eq!(
        tx.reached(&["One", "Two"]).await,
        [None, Some(here)],
        "clearing takes the projection's checkpoint alone"
    );
    assert_eq!(
        tx.reached(&["Earlier", "Present"]).await,
        [None, None],
        "clearing takes every checkpoint that claims its rows"
    );
    assert_eq!(tx.own_parked().await, [], "clearing forgets the parked keys");
    write(&mut tx, &THINGS, &[row("b", 3)], &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(
        every_row(&*views, &THINGS).await,
        [row("b", 3)],
        "what is written after clearing stays, and nothing else"
    );
    assert_eq!(every_row(&*views, &QUOTED).await, [row("a", 1)], "clearing a view leaves others alone");
    assert_eq!(checkpoint(&*views, "One").await, None, "clearing takes the checkpoint");
    assert_eq!(checkpoint(&*views, "Earlier").await, None, "clearing takes every checkpoint that claims its rows");
}

/// A view that is prepared with its own shape keeps its rows; with another it is emptied, and no checkpoint claims rows of
/// the new shape, not even one that a program of that shape left long ago.
pub async fn another_shape_empties_a_view(site: Site) {
    let views = prepared(&site, &[THINGS, QUOTED]).await;
    let of = |shape: &ViewShape| Checkpoint::at(Position::new(1).into(), shape.fingerprint);
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1)], &[]).await;
    write(&mut tx, &QUOTED, &[row("a", 1)], &[]).await;
    tx.reach(&[("Maker", of(&THINGS)), ("Other", of(&QUOTED))]).await;
    tx.commit().await.expect("a transaction can be committed");
    prepared(&site, &[THINGS]).await;
    assert_eq!(every_row(&*views, &THINGS).await, [row("a", 1)], "a view of the same shape keeps its rows");
    assert_eq!(checkpoint(&*views, "Maker").await, Some(of(&THINGS)), "a view of the same shape keeps its checkpoint");

    let changed = ViewShape { indexes: &INDEXES[2..], compounds: &[&["document", "key"]], fingerprint: 4, ..THINGS };
    prepared(&site, &[changed]).await;
    assert_eq!(every_row(&*views, &changed).await, [], "a view of another shape is emptied");
    let claim = checkpoint(&*views, "Maker").await.map(|checkpoint| checkpoint.fingerprint);
    assert_ne!(claim, Some(changed.fingerprint), "no checkpoint claims rows of the new shape");
    assert_eq!(every_row(&*views, &QUOTED).await, [row("a", 1)], "preparing a view leaves others alone");
    let new = Row { indexes: vec![Value::Real(0.5), Value::Null], ..row("b", 2) };
    let mut tx = site.begin().await;
    write(&mut tx, &changed, std::slice::from_ref(&new), &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(every_row(&*views, &changed).await, [new], "a view of another shape has that shape's columns");

    prepared(&site, &[THINGS]).await;
    assert_eq!(every_row(&*views, &THINGS).await, [], "a view that gets its first shape back is emptied too");
    let claim = checkpoint(&*views, "Maker").await.map(|checkpoint| checkpoint.fingerprint);
    assert_ne!(claim, Some(THINGS.fingerprint), "a checkpoint from before does not claim rows that are gone");
    assert_eq!(
        checkpoint(&*views, "Other").await,
        Some(of(&QUOTED)),
        "preparing a view leaves other checkpoints alone"
    );
}

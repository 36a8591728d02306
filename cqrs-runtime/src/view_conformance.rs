//! What every view store must do, as checks that an adapter runs: [`all`] and [`alone`], or one by one.
//!
//! Each check takes an empty [`Site`]: a log that keeps views beside its events ([`EventLog::views`]), or a view store on its
//! own. It needs a tokio runtime, and panics with the guarantee that the store does not keep. Random choices print their seed;
//! `CQRS_SEED=..` in the environment makes them again.
//!
//! ```
//! use cqrs_runtime::view_conformance::{self, Transactions};
//! use cqrs_runtime::{log::MemoryLog, view::MemoryViews};
//!
//! # #[tokio::main]
//! # async fn main() {
//! view_conformance::all(async || MemoryLog::new()).await;
//! view_conformance::alone(async || MemoryViews::new(), Transactions::Locking).await;
//! # }
//! ```

#![allow(clippy::missing_panics_doc, reason = "a check says what it checks, and panics when that does not hold")]

use std::cmp::Ordering;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::log::conformance::{begin, event};
use crate::log::{EventLog, LogTransaction, Position, StoreError};
use crate::testing::random::Random;
use crate::value::{ColumnKind, Value};
use crate::view::{
    Checkpoint, Comparison, Filter, IndexShape, Parked, Removed, Row, RowQuery, StandaloneTransaction, ViewShape,
    ViewStore, ViewTransaction,
};

mod standalone;

pub use standalone::{
    Transactions, a_lease_has_one_owner, a_lease_tells_its_owner, a_view_built_beside_takes_its_place,
    who_lost_the_lease_changes_nothing,
};

/// One index of each kind, named as stores might name columns of their own.
const INDEXES: &[IndexShape] = &[
    IndexShape { name: "order", kind: ColumnKind::Bool },
    IndexShape { name: "position", kind: ColumnKind::Integer },
    IndexShape { name: "document", kind: ColumnKind::Real },
    IndexShape { name: "key", kind: ColumnKind::Text },
];

const THINGS: ViewShape =
    ViewShape { name: "Things", key: "thing", indexes: INDEXES, fingerprint: 0x8000_0000_0000_0001 };

/// Without indexes, and a name that only its case and its quotes tell from the other.
const PLAIN: ViewShape = ViewShape { name: "things", key: "key", indexes: &[], fingerprint: 2 };
const QUOTED: ViewShape = ViewShape { name: "the \"Dinge\" & 'Größen'", key: "k", indexes: INDEXES, fingerprint: 3 };

/// Where the views are.
#[derive(Clone)]
pub enum Site {
    /// Beside a log's events, and written in its transactions.
    Beside(Arc<dyn EventLog>),
    /// In a store of their own.
    Alone(Arc<dyn ViewStore>),
}

/// Runs every check of views that live beside a log, each on a log of its own: `make` returns an empty one.
pub async fn all<L: EventLog>(make: impl AsyncFn() -> L) {
    each(async || Site::Beside(Arc::new(make().await))).await;
    events_and_views_show_together(Arc::new(make().await)).await;
}

/// Runs every check of a view store of its own, each on another one: `make` returns an empty one.
pub async fn alone<S: ViewStore>(make: impl AsyncFn() -> S, transactions: Transactions) {
    each(async || Site::Alone(Arc::new(make().await))).await;
    a_lease_has_one_owner(Arc::new(make().await)).await;
    a_lease_tells_its_owner(Arc::new(make().await)).await;
    who_lost_the_lease_changes_nothing(Arc::new(make().await), transactions).await;
    a_view_built_beside_takes_its_place(Arc::new(make().await)).await;
}

async fn each(make: impl AsyncFn() -> Site) {
    rows_are_put_replaced_and_removed(make().await).await;
    every_value_comes_back(make().await).await;
    views_do_not_mix(make().await).await;
    many_rows_at_once(make().await).await;
    rows_are_found_by_an_index(make().await).await;
    searches_find_what_their_filter_takes(make().await).await;
    checkpoints_are_kept(make().await).await;
    parked_keys_are_kept(make().await).await;
    a_cleared_view_is_empty(make().await).await;
    a_savepoint_is_undone_or_kept(make().await).await;
    a_dropped_transaction_leaves_no_trace(make().await).await;
    what_is_not_committed_does_not_show(make().await).await;
    another_shape_empties_a_view(make().await).await;
}

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

/// Every value of every kind comes back as it was, beside the document and the position.
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

/// Each view has rows of its own, whatever it is called, with indexes or without.
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

/// As many rows as a large batch touches are written, found and removed in one call.
pub async fn many_rows_at_once(site: Site) {
    const MANY: usize = 40_000;
    let views = prepared(&site, &[THINGS]).await;
    let rows: Vec<Row> = (0..MANY).map(|n| row(&format!("{n:05}"), 1)).collect();
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
    assert_eq!(tx.rows_of(&keys).await.len(), MANY, "a transaction finds as many rows as it has put");
    tx.commit().await.expect("a transaction can be committed");
    let found = views.rows(&THINGS, &keys).await.expect("rows can be read");
    assert_eq!(found.len(), MANY, "as many rows as there are keys are found");
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[], &keys[1..]).await;
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(every_row(&*views, &THINGS).await, rows[..1], "as many rows as there are keys are removed");
}

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

/// A checkpoint is kept with its fingerprint, seen by its own transaction at once, and absent before it was first set.
pub async fn checkpoints_are_kept(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let one = Checkpoint { position: Position::new(u64::from(u32::MAX) + 7), fingerprint: u64::MAX };
    let two = Checkpoint { position: Position::START, fingerprint: 0 };
    let mut tx = site.begin().await;
    let names = ["One", "Größe", "one"];
    assert_eq!(tx.reached(&names).await, [None; 3], "there is no checkpoint before the first");
    tx.reach(&[("One", Checkpoint { position: Position::new(1), ..one }), ("Größe", two)]).await;
    tx.reach(&[("One", one)]).await;
    tx.reach(&[]).await;
    assert_eq!(tx.reached(&names).await, [Some(one), Some(two), None], "checkpoints come in the order of their names");
    assert_eq!(checkpoint(&*views, "One").await, None, "a checkpoint shows when it is committed, not before");
    tx.commit().await.expect("a transaction can be committed");
    for (name, expected) in [("One", Some(one)), ("Größe", Some(two)), ("one", None)] {
        assert_eq!(checkpoint(&*views, name).await, expected, "the checkpoint of `{name}` is kept as it was set");
    }
    assert_eq!(site.begin().await.reached(&["one", "One"]).await, [None, Some(one)], "a checkpoint is kept");
}

/// Parked keys are kept, with what is wrong, until their projection is cleared.
pub async fn parked_keys_are_kept(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let (a, b, c) = (parked("One", "a"), parked("One", "ü 'b'"), parked("Two", ""));
    let mut tx = site.begin().await;
    tx.view_rows().park(&[a.clone(), c.clone()]).await.expect("keys can be parked");
    tx.view_rows().park(&[]).await.expect("keys can be parked");
    tx.view_rows().park(std::slice::from_ref(&b)).await.expect("keys can be parked");
    assert_eq!(
        tx.own_parked().await,
        [a.clone(), b.clone(), c.clone()],
        "a transaction sees the keys that it has parked"
    );
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(all_parked(&*views).await, [a, b, c.clone()], "parked keys are kept, with event, position and error");
    let mut tx = site.begin().await;
    tx.view_rows().clear(None, "One").await.expect("a projection can be cleared");
    assert_eq!(tx.own_parked().await, std::slice::from_ref(&c), "clearing a projection forgets its parked keys alone");
    let again = Parked { attempts: 4, position: Position::new(9), ..parked("Two", "x") };
    tx.view_rows().park(&[parked("Two", "x"), parked("Two", "y")]).await.expect("keys can be parked");
    tx.view_rows().park(std::slice::from_ref(&again)).await.expect("a parked key can be parked again");
    tx.view_rows().unpark("Two", "y").await.expect("a key can be parked no longer");
    tx.view_rows().unpark("Two", "never").await.expect("a key that is not parked can be so, too");
    assert_eq!(tx.own_parked().await, [c.clone(), again.clone()], "a key is parked once, as it was last");
    tx.view_rows().unpark("Two", "x").await.expect("a key can be parked no longer");
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(all_parked(&*views).await, [c], "clearing a projection forgets its parked keys alone");
}

/// Clearing takes a view's rows, every checkpoint of its shape, and its projection's checkpoint and parked keys; others stay. What is written afterwards in
/// the same transaction stays too.
pub async fn a_cleared_view_is_empty(site: Site) {
    let views = prepared(&site, &[THINGS, QUOTED]).await;
    let here = Checkpoint { position: Position::new(1), fingerprint: 9 };
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1), row("b", 1)], &[]).await;
    write(&mut tx, &QUOTED, &[row("a", 1)], &[]).await;
    let claim = Checkpoint { position: Position::new(1), fingerprint: THINGS.fingerprint };
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

/// A savepoint takes back everything since, or keeps it; one may stand inside another.
pub async fn a_savepoint_is_undone_or_kept(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let at = |position| Checkpoint { position: Position::new(position), fingerprint: 1 };
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("kept", 1), row("changed", 1)], &[]).await;
    tx.reach(&[("One", at(1))]).await;
    save(&mut tx).await;
    write(&mut tx, &THINGS, &[row("changed", 2), row("undone", 2)], &["kept".into()]).await;
    tx.reach(&[("One", at(2))]).await;
    tx.view_rows().park(&[parked("One", "undone")]).await.expect("keys can be parked");
    end(&mut tx, true).await;
    let before = [row("changed", 1), row("kept", 1)];
    assert_eq!(own_rows(&mut tx, &["kept", "changed", "undone"]).await, before, "an undone savepoint takes rows back");
    assert_eq!(tx.reached(&["One"]).await, [Some(at(1))], "an undone savepoint takes checkpoints back");
    assert_eq!(tx.own_parked().await, [], "an undone savepoint takes parked keys back");
    save(&mut tx).await;
    write(&mut tx, &THINGS, &[row("outer", 3)], &[]).await;
    save(&mut tx).await;
    write(&mut tx, &THINGS, &[row("inner", 3)], &[]).await;
    end(&mut tx, true).await;
    end(&mut tx, false).await;
    save(&mut tx).await;
    write(&mut tx, &THINGS, &[row("outer", 4)], &[]).await;
    save(&mut tx).await;
    end(&mut tx, false).await;
    end(&mut tx, true).await;
    tx.commit().await.expect("a transaction can be committed");
    let after = [row("changed", 1), row("kept", 1), row("outer", 3)];
    assert_eq!(every_row(&*views, &THINGS).await, after, "a savepoint undoes what came after it, and only that");
}

/// A transaction that is dropped leaves no row, no checkpoint and no parked key behind.
pub async fn a_dropped_transaction_leaves_no_trace(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let here = Checkpoint { position: Position::new(1), fingerprint: 1 };
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1)], &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("b", 1)], &["a".into()]).await;
    tx.view_rows().clear(Some(&THINGS), "One").await.expect("a view can be cleared");
    tx.reach(&[("One", here)]).await;
    tx.view_rows().park(&[parked("One", "b")]).await.expect("keys can be parked");
    drop(tx);
    assert_eq!(every_row(&*views, &THINGS).await, [row("a", 1)], "a dropped transaction changes no rows");
    assert_eq!(checkpoint(&*views, "One").await, None, "a dropped transaction sets no checkpoint");
    assert_eq!(all_parked(&*views).await, [], "a dropped transaction parks nothing");
    let mut tx = site.begin().await;
    assert_eq!(own_rows(&mut tx, &["a", "b"]).await, [row("a", 1)], "a dropped transaction leaves nothing to the next");
}

/// Readers see rows as they were committed last, and wait for nobody.
pub async fn what_is_not_committed_does_not_show(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1)], &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 2), row("b", 2)], &[]).await;
    tx.view_rows().park(&[parked("One", "b")]).await.expect("keys can be parked");
    assert_eq!(every_row(&*views, &THINGS).await, [row("a", 1)], "rows show when they are committed, not before");
    assert_eq!(stored_rows(&*views, &["a", "b"]).await, [row("a", 1)], "rows show when they are committed, not before");
    let every = Filter::All(Vec::new());
    assert_eq!(views.count(&THINGS, &every).await.expect("rows can be counted"), 1, "a count is of what is committed");
    assert_eq!(all_parked(&*views).await, [], "parked keys show when they are committed, not before");
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(every_row(&*views, &THINGS).await, [row("a", 2), row("b", 2)], "rows show once they are committed");
}

/// The events of a transaction and its views show together: none is ever seen ahead of the other.
pub async fn events_and_views_show_together(log: Arc<dyn EventLog>) {
    const ROUNDS: u64 = 60;
    let site = Site::Beside(Arc::clone(&log));
    let views = prepared(&site, &[THINGS]).await;
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (log, views) = (Arc::clone(&log), Arc::clone(&views));
        readers.spawn(async move {
            loop {
                let before = log.head().await.expect("the head can be read");
                let reached = checkpoint(&*views, "One").await.map_or(Position::START, |reached| reached.position);
                let after = log.head().await.expect("the head can be read");
                assert!(reached >= before, "an event shows before the views that were written with it");
                assert!(reached <= after, "a view shows before the events that it was written with");
                if reached == ROUNDS {
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for position in 1..=ROUNDS {
        let mut tx = begin(&*log).await;
        tx.append(&[event(position, "Counted", &[], "{}")], &[]).await.expect("a transaction can append");
        let views = tx.views().expect("a log that keeps views writes them in its own transactions");
        let checkpoint = Checkpoint { position: Position::new(position), fingerprint: 1 };
        views.set_checkpoints(&[("One", checkpoint)]).await.expect("a transaction can set checkpoints");
        tokio::task::yield_now().await;
        tx.commit().await.expect("a transaction can be committed");
    }
    while let Some(reader) = readers.join_next().await {
        reader.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
}

/// A view that is prepared with its own shape keeps its rows; with another it is emptied, and no checkpoint claims rows of
/// the new shape, not even one that a program of that shape left long ago.
pub async fn another_shape_empties_a_view(site: Site) {
    let views = prepared(&site, &[THINGS, QUOTED]).await;
    let of = |shape: &ViewShape| Checkpoint { position: Position::new(1), fingerprint: shape.fingerprint };
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1)], &[]).await;
    write(&mut tx, &QUOTED, &[row("a", 1)], &[]).await;
    tx.reach(&[("Maker", of(&THINGS)), ("Other", of(&QUOTED))]).await;
    tx.commit().await.expect("a transaction can be committed");
    prepared(&site, &[THINGS]).await;
    assert_eq!(every_row(&*views, &THINGS).await, [row("a", 1)], "a view of the same shape keeps its rows");
    assert_eq!(checkpoint(&*views, "Maker").await, Some(of(&THINGS)), "a view of the same shape keeps its checkpoint");

    let changed = ViewShape { indexes: &INDEXES[2..], fingerprint: 4, ..THINGS };
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

/// A transaction of either kind.
enum Held {
    Beside(Box<dyn LogTransaction>),
    Alone(Box<dyn StandaloneTransaction>),
}

impl Site {
    async fn begin(&self) -> Held {
        match self {
            Self::Beside(log) => Held::Beside(begin(&**log).await),
            Self::Alone(views) => Held::Alone(views.begin(&[]).await.expect("a transaction can be started")),
        }
    }

    fn views(&self) -> Arc<dyn ViewStore> {
        match self {
            Self::Beside(log) => log.views().unwrap_or_else(|| {
                panic!("{} keeps no views (`EventLog::views` is `None`): these checks are not for it", log.describe())
            }),
            Self::Alone(views) => Arc::clone(views),
        }
    }
}

/// What the checks ask a transaction's views for, failures being the store's.
impl Held {
    fn view_rows(&mut self) -> &mut dyn ViewTransaction {
        match self {
            Self::Beside(tx) => tx.views().expect("a log that keeps views writes them in its own transactions"),
            Self::Alone(tx) => &mut **tx,
        }
    }

    async fn rows_of(&mut self, keys: &[String]) -> Vec<Row> {
        sorted(&self.view_rows().rows(&THINGS, keys).await.expect("a transaction can read rows"))
    }

    async fn reached(&mut self, names: &[&'static str]) -> Vec<Option<Checkpoint>> {
        self.view_rows().checkpoints(names).await.expect("a transaction can read checkpoints")
    }

    async fn reach(&mut self, checkpoints: &[(&'static str, Checkpoint)]) {
        self.view_rows().set_checkpoints(checkpoints).await.expect("a transaction can set checkpoints");
    }

    async fn own_parked(&mut self) -> Vec<Parked> {
        in_order(self.view_rows().parked().await.expect("a transaction can read parked keys"))
    }

    async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Beside(tx) => tx.commit().await,
            Self::Alone(tx) => tx.commit().await,
        }
    }
}

async fn prepared(site: &Site, shapes: &[ViewShape]) -> Arc<dyn ViewStore> {
    let views = site.views();
    for shape in shapes {
        views.prepare(shape).await.expect("a view can be prepared");
    }
    assert!(!views.describe().is_empty(), "a view store has a description, for errors");
    views
}

/// Rows are removed by a later event than any that puts one.
async fn write(tx: &mut Held, shape: &ViewShape, put: &[Row], remove: &[String]) {
    let removed = |key: &String| Removed { key: key.clone(), position: Position::new(99) };
    let remove: Vec<Removed> = remove.iter().map(removed).collect();
    tx.view_rows().write(shape, put, &remove).await.expect("a transaction can write rows");
}

async fn save(tx: &mut Held) {
    tx.view_rows().savepoint().await.expect("a savepoint can be set");
}

async fn end(tx: &mut Held, undo: bool) {
    tx.view_rows().end_savepoint(undo).await.expect("a savepoint can be ended");
}

async fn own_rows(tx: &mut Held, keys: &[&str]) -> Vec<Row> {
    let keys: Vec<String> = keys.iter().map(|&key| key.into()).collect();
    tx.rows_of(&keys).await
}

async fn stored_rows(views: &dyn ViewStore, keys: &[&str]) -> Vec<Row> {
    let keys: Vec<String> = keys.iter().map(|&key| key.into()).collect();
    sorted(&views.rows(&THINGS, &keys).await.expect("rows can be read"))
}

async fn every_row(views: &dyn ViewStore, shape: &ViewShape) -> Vec<Row> {
    let query = RowQuery { filter: Filter::All(Vec::new()), order: Vec::new(), limit: None, offset: 0 };
    views.find(shape, &query).await.expect("rows can be searched")
}

async fn checkpoint(views: &dyn ViewStore, name: &str) -> Option<Checkpoint> {
    views.checkpoint(name).await.expect("checkpoints can be read")
}

async fn all_parked(views: &dyn ViewStore) -> Vec<Parked> {
    in_order(views.parked().await.expect("parked keys can be read"))
}

fn in_order(mut parked: Vec<Parked>) -> Vec<Parked> {
    parked.sort_by(|a, b| (&a.projection, &a.key).cmp(&(&b.projection, &b.key)));
    parked
}

fn sorted(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    rows
}

fn keys(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.key.as_str()).collect()
}

/// A row of `THINGS`; its number is its key's, if that is one.
fn row(key: &str, position: u64) -> Row {
    let number = Value::Integer(key.parse().unwrap_or(0));
    Row {
        key: key.to_owned(),
        indexes: vec![Value::Bool(true), number, Value::Real(0.5), Value::Text("text".into())],
        document: format!("{{\"key\":{key:?},\"at\":{position}}}").into(),
        position: Position::new(position),
    }
}

fn parked(projection: &str, key: &str) -> Parked {
    Parked {
        projection: projection.to_owned(),
        key: key.to_owned(),
        position: Position::new(3),
        event: "Größe".to_owned(),
        error: "it's \"wrong\"\nthere".to_owned(),
        attempts: 3,
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
fn values(kind: ColumnKind) -> Vec<Value> {
    match kind {
        ColumnKind::Bool => vec![Value::Bool(false), Value::Bool(true)],
        ColumnKind::Integer => {
            [i64::MIN, -1, 0, 1, 9, 10, (1 << 53) + 1, i64::MAX].into_iter().map(Value::Integer).collect()
        }
        ColumnKind::Real => [f64::MIN, -1.5, 0.0, 0.1 + 0.2, 1.0, 10.0, 1e300].into_iter().map(Value::Real).collect(),
        // In the order of bytes a capital stands before every small letter, and an emoji after every letter.
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

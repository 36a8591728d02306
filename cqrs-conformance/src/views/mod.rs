//! What every view store must do, as checks that an adapter runs: [`all`] and [`alone`], or one by one.
//!
//! Each check takes an empty [`Site`]: a log that stores views next to its events ([`EventLog::views`]), or a separate view store.
//! It needs a tokio runtime, and panics with the name of the guarantee that the store violates. Random choices print their seed;
//! `CQRS_SEED=..` in the environment makes them again.
//!
//! [`CrashingStore`] lets a store without transactions die in the middle of its commits, for tests with an app on it.
//!
//! ```
//! use cqrs_conformance::views::{self, Transactions};
//! use cqrs_core::memory::{MemoryLog, MemoryViews};
//!
//! # #[tokio::main]
//! # async fn main() {
//! views::all(async || MemoryLog::new()).await;
//! views::alone(async || MemoryViews::new(), Transactions::Locking).await;
//! # }
//! ```

#![allow(clippy::missing_panics_doc, reason = "a check says what it checks, and panics when that does not hold")]

use std::fmt;
use std::sync::Arc;

use crate::log::begin;
use cqrs_core::Position;
use cqrs_core::log::StoreError;
use cqrs_core::log::{EventLog, LogTransaction};
use cqrs_core::view::plain_name;
use cqrs_core::view::{
    Checkpoint, IndexShape, Parked, Removed, Row, RowQuery, StandaloneTransaction, ViewShape, ViewStore,
    ViewTransaction,
};
use cqrs_core::view::{ColumnKind, Value};

mod buffered;
mod compounds;
mod contents;
mod crashing_store;
mod one_state;
mod records;
mod rows;
mod searches;
mod several;
mod standalone;
mod transactions;

pub use buffered::an_older_position_never_overwrites_a_newer_one;
pub use compounds::compound_indexes_sort_what_they_find;
pub use contents::{everything_stored_is_listed, what_is_not_used_is_removed};
pub use crashing_store::CrashingStore;
pub use one_state::a_snapshot_is_one_state;
pub use records::{checkpoints_are_kept, parked_keys_are_kept};
pub use rows::{
    a_cleared_view_is_empty, another_shape_empties_a_view, every_value_comes_back, many_rows_at_once,
    rows_are_put_replaced_and_removed, views_do_not_mix,
};
pub use searches::{
    pages_are_the_rows_of_a_search_each_once, rows_are_found_by_an_index, searches_find_what_their_filter_takes,
    values_of_an_index_are_counted_and_added_up,
};
pub use several::values_of_several_are_kept;
pub use standalone::{
    Transactions, a_lease_has_one_owner, a_lease_tells_its_owner, a_view_built_beside_takes_its_place,
    who_lost_the_lease_changes_nothing,
};
pub use transactions::{
    a_dropped_transaction_leaves_no_trace, a_savepoint_is_undone_or_kept, events_and_views_show_together,
    what_is_not_committed_does_not_show,
};

/// One index of each kind, named as stores might name columns of their own.
const INDEXES: &[IndexShape] = &[
    IndexShape { name: "order", kind: ColumnKind::Bool },
    IndexShape { name: "position", kind: ColumnKind::Integer },
    IndexShape { name: "document", kind: ColumnKind::Real },
    IndexShape { name: "key", kind: ColumnKind::Text },
];

/// One multi-valued index of each kind, named in the same way.
const MULTI: &[IndexShape] = &[
    IndexShape { name: "value", kind: ColumnKind::Text },
    IndexShape { name: "index", kind: ColumnKind::Integer },
    IndexShape { name: "member", kind: ColumnKind::Real },
    IndexShape { name: "m", kind: ColumnKind::Bool },
];

/// Compound indexes, one of them of two texts and a number.
const COMPOUNDS: &[&[&str]] = &[&["key", "position"], &["order", "document", "position"], &["position", "key"]];

const THINGS: ViewShape = ViewShape {
    name: "Things",
    key: "thing",
    indexes: INDEXES,
    multi_indexes: MULTI,
    compounds: COMPOUNDS,
    fingerprint: 0x8000_0000_0000_0001,
};

/// Without indexes, and a name that only its case and its quotes tell from the other.
const PLAIN: ViewShape =
    ViewShape { name: "things", key: "key", indexes: &[], multi_indexes: &[], compounds: &[], fingerprint: 2 };
const QUOTED: ViewShape = ViewShape {
    name: "the \"Dinge\" & 'Größen'",
    key: "k",
    indexes: INDEXES,
    multi_indexes: MULTI,
    compounds: &[],
    fingerprint: 3,
};

/// How many rows [`many_rows_at_once`] writes by default: more than one SQL statement may have parameters.
pub const MANY_ROWS: usize = 40_000;

/// Where the views are.
#[derive(Clone)]
pub enum Site {
    /// Next to a log's events, and written in its transactions.
    InsideLog(Arc<dyn EventLog>),
    /// In a store of their own.
    Alone(Arc<dyn ViewStore>),
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InsideLog(_) => "InsideLog(..)",
            Self::Alone(_) => "Alone(..)",
        })
    }
}

/// Runs every check of views that a log stores, each on a log of its own: `make` returns an empty one.
pub async fn all<L: EventLog>(make: impl AsyncFn() -> L) {
    each(async || Site::InsideLog(Arc::new(make().await)), MANY_ROWS).await;
    events_and_views_show_together(Arc::new(make().await)).await;
}

/// Runs every check of a view store of its own, each on another one: `make` returns an empty one.
pub async fn alone<S: ViewStore>(make: impl AsyncFn() -> S, transactions: Transactions) {
    alone_with_rows(make, transactions, MANY_ROWS).await;
}

/// Runs every check of [`alone`], with `rows` rows in [`many_rows_at_once`]: for a server that is slow at each. It should be
/// more than the store puts into a few calls.
pub async fn alone_with_rows<S: ViewStore>(make: impl AsyncFn() -> S, transactions: Transactions, rows: usize) {
    each(async || Site::Alone(Arc::new(make().await)), rows).await;
    a_lease_has_one_owner(Arc::new(make().await)).await;
    a_lease_tells_its_owner(Arc::new(make().await)).await;
    who_lost_the_lease_changes_nothing(Arc::new(make().await), transactions).await;
    a_view_built_beside_takes_its_place(Arc::new(make().await)).await;
    if transactions == Transactions::Buffered {
        an_older_position_never_overwrites_a_newer_one(Arc::new(make().await)).await;
    }
}

async fn each(make: impl AsyncFn() -> Site, rows: usize) {
    rows_are_put_replaced_and_removed(make().await).await;
    every_value_comes_back(make().await).await;
    views_do_not_mix(make().await).await;
    many_rows_at_once(make().await, rows).await;
    rows_are_found_by_an_index(make().await).await;
    searches_find_what_their_filter_takes(make().await).await;
    pages_are_the_rows_of_a_search_each_once(make().await).await;
    values_of_an_index_are_counted_and_added_up(make().await).await;
    values_of_several_are_kept(make().await).await;
    compound_indexes_sort_what_they_find(make().await).await;
    a_snapshot_is_one_state(make().await).await;
    checkpoints_are_kept(make().await).await;
    parked_keys_are_kept(make().await).await;
    a_cleared_view_is_empty(make().await).await;
    a_savepoint_is_undone_or_kept(make().await).await;
    a_dropped_transaction_leaves_no_trace(make().await).await;
    what_is_not_committed_does_not_show(make().await).await;
    another_shape_empties_a_view(make().await).await;
    everything_stored_is_listed(make().await).await;
    what_is_not_used_is_removed(make().await).await;
}

/// The checkpoint of the one version that there is of a fold projection: it is stored under a name that ends with the
/// projection's fingerprint. For tests that look into a store which an app has filled.
pub async fn checkpoint_as_stored(views: &dyn ViewStore, projection: &str) -> Option<Checkpoint> {
    let contents = views.contents().await.expect("a store lists what it holds");
    let is_of = |name: &str| matches!(plain_name(name), (plain, Some(_)) if plain == projection);
    let mut found = contents.checkpoints.into_iter().filter(|(name, _)| is_of(name));
    let (first, second) = (found.next(), found.next());
    assert!(second.is_none(), "there are several versions of projection `{projection}`");
    first.map(|(_, checkpoint)| checkpoint)
}

/// A transaction of either kind.
enum Held {
    InsideLog(Box<dyn LogTransaction>),
    Alone(Box<dyn StandaloneTransaction>),
}

impl Site {
    async fn begin(&self) -> Held {
        match self {
            Self::InsideLog(log) => Held::InsideLog(begin(&**log).await),
            Self::Alone(views) => Held::Alone(views.begin(&[]).await.expect("a transaction can be started")),
        }
    }

    fn views(&self) -> Arc<dyn ViewStore> {
        match self {
            Self::InsideLog(log) => log.views().unwrap_or_else(|| {
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
            Self::InsideLog(tx) => tx.views().expect("a log that keeps views writes them in its own transactions"),
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
            Self::InsideLog(tx) => tx.commit().await,
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
    let put: Vec<Row> = put.iter().map(|row| whole(shape, row)).collect();
    tx.view_rows().write(shape, &put, &remove).await.expect("a transaction can write rows");
}

/// The row as it is written: with a list, maybe empty, for each multi-valued index.
fn whole(shape: &ViewShape, row: &Row) -> Row {
    let mut row = row.clone();
    row.multi_values.resize(shape.multi_indexes.len(), Vec::new());
    row
}

/// Rows as every store returns them: some return the values of multi-valued indexes too.
fn bare(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().map(|row| Row { multi_values: Vec::new(), ..row }).collect()
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
    let query = RowQuery::all();
    bare(views.find(shape, &query).await.expect("rows can be searched"))
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
    let mut rows = bare(rows.to_vec());
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
        multi_values: Vec::new(),
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

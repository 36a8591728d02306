//! Views of a scenario: its events, folded by the production engine in various batches.

use std::borrow::Borrow;

use super::events::described;
use super::scenario::{Scenario, block_on};
use crate::projection::{Inline, ProjectionInfo};
use crate::registry::{Item, Registration, registered};
use crate::sequencer;
use crate::sequencer::timeout::StoreTimeout;
use crate::telemetry::Recorder;
use cqrs_core::column::Key;
use cqrs_core::event::RecordedEvent;
use cqrs_core::log::EventLog;
use cqrs_core::memory::MemoryLog;
use cqrs_core::random::Random;
use cqrs_core::view::{Parked, Row, RowQuery, View};

/// How many random ways to batch the events are tried.
const RANDOM_CUTS: usize = 8;

impl Scenario {
    /// The view with this key, folded from the events.
    ///
    /// # Panics
    /// As for [`views`](Self::views).
    #[track_caller]
    pub fn view<V: View>(&self, key: impl Borrow<V::Key>) -> Option<V> {
        let key = key.borrow().to_key();
        self.views::<V>().into_iter().find(|view| view.key().to_key() == key)
    }

    /// All views of this type, folded from the events, ordered by key.
    ///
    /// # Panics
    /// If no projection, or more than one, makes this view; if an event could not be folded; if the result depends on how the
    /// events are batched.
    #[track_caller]
    #[must_use]
    pub fn views<V: View>(&self) -> Vec<V> {
        let made = nearest(std::any::type_name::<V>(), |info| info.view == Some(V::LAYOUT)).unwrap_or_else(|| {
            panic!("no `#[projection]` makes view `{}`: write it, or link the crate that has it", V::LAYOUT.name)
        });
        let projections = with_look_ups(vec![made]);
        let inline = Inline::new(&projections).unwrap_or_else(|error| panic!("{error}"));

        let rows = fold::<V>(&inline, &self.history, &vec![1; self.history.len()]);
        let mut random = Random::new();
        let random_cut = |_| cut(&mut random, self.history.len());
        let cuts: Vec<Vec<usize>> =
            std::iter::once(vec![self.history.len()]).chain((0..RANDOM_CUTS).map(random_cut)).collect();
        for cut in cuts {
            let others = fold::<V>(&inline, &self.history, &cut);
            assert!(
                same(&rows, &others),
                "view `{}`: this fold depends on how its events are batched ({})\n  given:{}\n  one at a time:{}\n  \
                 in batches of {cut:?}:{}",
                V::LAYOUT.name,
                random.again(),
                described(&self.history),
                shown(&rows),
                shown(&others),
            );
        }
        let view = |row: &Row| {
            (V::JSON.read)(&row.document).unwrap_or_else(|error| {
                panic!("view `{}` cannot read what it wrote: {error}\n    {}", V::LAYOUT.name, row.document)
            })
        };
        rows.iter().map(view).collect()
    }
}

/// These projections, and those whose views they look up.
#[track_caller]
pub(super) fn with_look_ups(mut needed: Vec<(&'static str, &'static ProjectionInfo)>) -> Vec<&'static ProjectionInfo> {
    let mut at = 0;
    while let Some((module, info)) = needed.get(at).copied() {
        at += 1;
        for look_up in info.look_ups {
            let made =
                nearest(module, |info| info.view.is_some_and(|view| view.name == *look_up)).unwrap_or_else(|| {
                    panic!("projection `{}` looks up view `{look_up}`, which no projection makes", info.name)
                });
            if needed.iter().all(|(_, known)| known.name != made.1.name) {
                needed.push(made);
            }
        }
    }
    needed.into_iter().map(|(_, info)| info).collect()
}

/// Folds batches of these sizes, each in its own transaction.
#[track_caller]
fn fold<V: View>(inline: &Inline, history: &[RecordedEvent], batches: &[usize]) -> Vec<Row> {
    let log = filled(inline, history, batches);
    let views = log.views().expect("a log in memory stores views");
    let shape = inline.shape_of(V::LAYOUT.name).expect("the engine folds it");
    block_on(async { views.find(&shape, &RowQuery::all()).await }).unwrap_or_else(|error| panic!("{error}"))
}

/// A log with these events, and the views that they were folded into in batches of these sizes.
#[track_caller]
pub(super) fn filled(inline: &Inline, history: &[RecordedEvent], batches: &[usize]) -> MemoryLog {
    let log = MemoryLog::new();
    let parked = block_on(async {
        let timeout = StoreTimeout::new(log.describe(), StoreTimeout::DEFAULT);
        let views = log.views().expect("a log in memory stores views");
        for shape in inline.shapes() {
            views.prepare(shape).await?;
        }
        let mut rest = history;
        for size in batches {
            let (batch, later) = rest.split_at(*size);
            sequencer::store(log.begin().await?, inline, batch, &[], &Recorder::default(), &timeout).await?;
            rest = later;
        }
        views.parked().await
    })
    .unwrap_or_else(|error| panic!("{error}"));
    if let Some(Parked { projection, key, error, .. }) = parked.first() {
        let projection = inline.plain(projection).unwrap_or(projection);
        panic!("projection `{projection}` could not fold key `{key}`: {error}\n  given:{}", described(history));
    }
    log
}

/// The projection that `wanted` accepts. Of several, the one whose module path has most in common with `path`, for test
/// binaries with several domains.
#[track_caller]
pub(super) fn nearest(
    path: &str,
    wanted: impl Fn(&ProjectionInfo) -> bool,
) -> Option<(&'static str, &'static ProjectionInfo)> {
    let projection = |entry: &'static Registration| match &entry.item {
        Item::Projection(info) if wanted(info) => Some((entry.module, info)),
        _ => None,
    };
    let common = |module: &str| module.split("::").zip(path.split("::")).take_while(|(a, b)| a == b).count();
    let mut found: Vec<_> = registered().filter_map(projection).collect();
    found.sort_by_key(|(module, _)| std::cmp::Reverse(common(module)));
    if let [(first, a), (second, b), ..] = found[..] {
        assert!(
            common(first) > common(second),
            "projections `{first}::{}` and `{second}::{}` make the same view: each would overwrite the other's rows",
            a.name,
            b.name
        );
    }
    found.first().copied()
}

/// Batch sizes with the sum `events`.
fn cut(random: &mut Random, events: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut left = events;
    while left > 0 {
        let size = 1 + random.below(left.min(5));
        sizes.push(size);
        left -= size;
    }
    sizes
}

/// Compares documents as JSON: the order of a map's fields does not matter.
fn same(rows: &[Row], others: &[Row]) -> bool {
    let document = |row: &Row| serde_json::from_str::<serde_json::Value>(&row.document).ok();
    let one = |(a, b): (&Row, &Row)| {
        (&a.key, &a.indexes, a.position) == (&b.key, &b.indexes, b.position) && document(a) == document(b)
    };
    rows.len() == others.len() && rows.iter().zip(others).all(one)
}

fn shown(rows: &[Row]) -> String {
    let line = |row: &Row| format!("\n    {} (position {})", row.document, row.position);
    if rows.is_empty() { "\n    nothing".into() } else { rows.iter().map(line).collect() }
}

//! Views in memory.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use super::{Checkpoint, Comparison, Filter, Parked, Row, RowQuery, Value, ViewShape, ViewStore, ViewTransaction};
use crate::log::{BoxFuture, StoreError};

/// A view store that lives as long as the program. It belongs to a [`MemoryLog`](crate::log::MemoryLog).
#[derive(Default)]
pub(crate) struct MemoryViews {
    stored: Arc<RwLock<Stored>>,
}

#[derive(Default)]
struct Stored {
    views: HashMap<String, StoredView>,
    checkpoints: HashMap<String, Checkpoint>,
    parked: BTreeMap<(String, String), Parked>,
}

struct StoredView {
    fingerprint: u64,
    rows: BTreeMap<String, Row>,
}

impl MemoryViews {
    pub(crate) fn begin(&self) -> MemoryViewTransaction {
        MemoryViewTransaction { stored: Arc::clone(&self.stored), staged: Staged::default(), savepoints: Vec::new() }
    }

    fn with<R>(&self, read: impl FnOnce(&Stored) -> R) -> R {
        read(&self.stored.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Stored {
    fn rows(&self, shape: &ViewShape) -> impl Iterator<Item = &Row> {
        self.views.get(shape.name).into_iter().flat_map(|view| view.rows.values())
    }

    fn row(&self, shape: &ViewShape, key: &str) -> Option<&Row> {
        self.views.get(shape.name)?.rows.get(key)
    }
}

/// The value of a row's indexed field.
fn value<'a>(shape: &ViewShape, row: &'a Row, index: &str) -> &'a Value {
    let place = shape.indexes.iter().position(|shape| shape.name == index);
    place.and_then(|place| row.indexes.get(place)).unwrap_or(&Value::Null)
}

fn takes(shape: &ViewShape, filter: &Filter, row: &Row) -> bool {
    match filter {
        Filter::Compare(index, comparison, wanted) => {
            let there = value(shape, row, index);
            let ordered = match (there, wanted) {
                (Value::Null, _) | (_, Value::Null) => None,
                _ => there.partial_cmp(wanted),
            };
            match comparison {
                Comparison::Equal => there == wanted,
                Comparison::NotEqual => there != wanted,
                Comparison::Less => ordered == Some(Ordering::Less),
                Comparison::LessOrEqual => ordered.is_some_and(Ordering::is_le),
                Comparison::Greater => ordered == Some(Ordering::Greater),
                Comparison::GreaterOrEqual => ordered.is_some_and(Ordering::is_ge),
            }
        }
        Filter::OneOf(index, wanted) => wanted.contains(value(shape, row, index)),
        Filter::All(parts) => parts.iter().all(|part| takes(shape, part, row)),
        Filter::Any(parts) => parts.iter().any(|part| takes(shape, part, row)),
    }
}

fn compare(shape: &ViewShape, order: &[(&'static str, bool)], a: &Row, b: &Row) -> Ordering {
    for (index, descending) in order {
        let ordering = value(shape, a, index).partial_cmp(value(shape, b, index)).unwrap_or(Ordering::Equal);
        if ordering != Ordering::Equal {
            return if *descending { ordering.reverse() } else { ordering };
        }
    }
    a.key.cmp(&b.key)
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl ViewStore for MemoryViews {
    fn describe(&self) -> String {
        "the views in memory".into()
    }

    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut stored = self.stored.write().unwrap_or_else(PoisonError::into_inner);
        let known = stored.views.get(shape.name).is_some_and(|view| view.fingerprint == shape.fingerprint);
        if !known {
            let empty = StoredView { fingerprint: shape.fingerprint, rows: BTreeMap::new() };
            stored.views.insert(shape.name.to_owned(), empty);
            stored.checkpoints.retain(|_, checkpoint| checkpoint.fingerprint != shape.fingerprint);
        }
        ready(())
    }

    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        ready(self.with(|stored| keys.iter().filter_map(|key| stored.row(shape, key)).cloned().collect()))
    }

    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        ready(self.with(|stored| {
            let mut rows: Vec<&Row> = stored.rows(shape).filter(|row| takes(shape, &query.filter, row)).collect();
            rows.sort_by(|a, b| compare(shape, &query.order, a, b));
            let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
            let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
            rows.into_iter().skip(offset).take(limit).cloned().collect()
        }))
    }

    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>> {
        ready(self.with(|stored| stored.rows(shape).filter(|row| takes(shape, filter, row)).count() as u64))
    }

    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        ready(self.with(|stored| stored.checkpoints.get(projection).copied()))
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        ready(self.with(|stored| stored.parked.values().cloned().collect()))
    }
}

/// What a transaction has changed, and nobody else sees yet.
#[derive(Clone, Default)]
struct Staged {
    cleared: HashSet<String>,
    rows: HashMap<String, BTreeMap<String, Option<Row>>>,
    checkpoints: HashMap<String, Option<Checkpoint>>,
    unparked: HashSet<String>,
    parked: Vec<Parked>,
}

pub(crate) struct MemoryViewTransaction {
    stored: Arc<RwLock<Stored>>,
    staged: Staged,
    savepoints: Vec<Staged>,
}

impl MemoryViewTransaction {
    fn with<R>(&self, read: impl FnOnce(&Stored) -> R) -> R {
        read(&self.stored.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn row(&self, shape: &ViewShape, key: &str) -> Option<Row> {
        if let Some(staged) = self.staged.rows.get(shape.name).and_then(|rows| rows.get(key)) {
            return staged.clone();
        }
        if self.staged.cleared.contains(shape.name) {
            return None;
        }
        self.with(|stored| stored.row(shape, key).cloned())
    }

    pub(crate) fn commit(self) {
        let mut stored = self.stored.write().unwrap_or_else(PoisonError::into_inner);
        let staged = self.staged;
        for view in &staged.cleared {
            if let Some(view) = stored.views.get_mut(view) {
                view.rows.clear();
            }
        }
        for (view, rows) in staged.rows {
            let Some(view) = stored.views.get_mut(&view) else { continue };
            for (key, row) in rows {
                match row {
                    Some(row) => view.rows.insert(key, row),
                    None => view.rows.remove(&key),
                };
            }
        }
        for (projection, checkpoint) in staged.checkpoints {
            match checkpoint {
                Some(checkpoint) => stored.checkpoints.insert(projection, checkpoint),
                None => stored.checkpoints.remove(&projection),
            };
        }
        stored.parked.retain(|(projection, _), _| !staged.unparked.contains(projection));
        for parked in staged.parked {
            stored.parked.insert((parked.projection.clone(), parked.key.clone()), parked);
        }
    }
}

impl ViewTransaction for MemoryViewTransaction {
    fn rows<'a>(&'a mut self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        ready(keys.iter().filter_map(|key| self.row(shape, key)).collect())
    }

    fn rows_by<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        index: &'static str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        let keys: HashSet<String> = self.with(|stored| stored.rows(shape).map(|row| row.key.clone()).collect());
        let staged = self.staged.rows.get(shape.name).into_iter().flat_map(|rows| rows.keys().cloned());
        let keys: HashSet<String> = keys.into_iter().chain(staged).collect();
        let rows = keys.iter().filter_map(|key| self.row(shape, key));
        ready(rows.filter(|row| values.contains(value(shape, row, index))).collect())
    }

    fn write<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        put: &'a [Row],
        remove: &'a [String],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let rows = self.staged.rows.entry(shape.name.to_owned()).or_default();
        rows.extend(put.iter().map(|row| (row.key.clone(), Some(row.clone()))));
        rows.extend(remove.iter().map(|key| (key.clone(), None)));
        ready(())
    }

    fn clear<'a>(
        &'a mut self,
        shape: Option<&'a ViewShape>,
        projection: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        if let Some(shape) = shape {
            self.staged.cleared.insert(shape.name.to_owned());
            let claims = |checkpoint: &Checkpoint| checkpoint.fingerprint == shape.fingerprint;
            for staged in self.staged.checkpoints.values_mut() {
                *staged = staged.filter(|checkpoint| !claims(checkpoint));
            }
            let stored: Vec<String> = self.with(|stored| {
                stored.checkpoints.iter().filter(|(_, stored)| claims(stored)).map(|(name, _)| name.clone()).collect()
            });
            for projection in stored {
                self.staged.checkpoints.entry(projection).or_insert(None);
            }
            self.staged.rows.remove(shape.name);
        }
        self.staged.checkpoints.insert(projection.to_owned(), None);
        self.staged.unparked.insert(projection.to_owned());
        self.staged.parked.retain(|parked| parked.projection != projection);
        ready(())
    }

    fn checkpoints<'a>(
        &'a mut self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<Checkpoint>>, StoreError>> {
        let one = |name: &&'static str| match self.staged.checkpoints.get(*name) {
            Some(staged) => *staged,
            None => self.with(|stored| stored.checkpoints.get(*name).copied()),
        };
        ready(projections.iter().map(one).collect())
    }

    fn set_checkpoints<'a>(
        &'a mut self,
        checkpoints: &'a [(&'static str, Checkpoint)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let staged = checkpoints.iter().map(|(name, checkpoint)| ((*name).to_owned(), Some(*checkpoint)));
        self.staged.checkpoints.extend(staged);
        ready(())
    }

    fn parked(&mut self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        let stored: Vec<Parked> = self.with(|stored| stored.parked.values().cloned().collect());
        let stored = stored.into_iter().filter(|parked| !self.staged.unparked.contains(&parked.projection));
        ready(stored.chain(self.staged.parked.iter().cloned()).collect())
    }

    fn park<'a>(&'a mut self, parked: &'a [Parked]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.staged.parked.extend_from_slice(parked);
        ready(())
    }

    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.savepoints.push(self.staged.clone());
        ready(())
    }

    fn end_savepoint(&mut self, undo: bool) -> BoxFuture<'_, Result<(), StoreError>> {
        if let (Some(before), true) = (self.savepoints.pop(), undo) {
            self.staged = before;
        }
        ready(())
    }
}

//! Collects the changes of a view store without transactions until the commit.
//!
//! [`Buffered`] is the [`StandaloneTransaction`] of such a store. It reads as if the collected changes were already stored, and
//! passes all of them as [`Collected`] to [`BufferedStore::write_all`]. The module
//! [`store`](super::store#a-store-without-transactions) says in which order to write them.

use std::collections::{BTreeMap, HashSet};

use crate::column::Value;
use crate::debug::opaque_debug;
use crate::position::Position;
use crate::store_error::{BoxFuture, StoreError};
use crate::view::{
    Checkpoint, Generation, Lease, Parked, Removed, Row, RowQuery, StandaloneTransaction, ViewShape, ViewStore,
    ViewTransaction, values as values_of,
};

/// A view store without transactions. Its [`begin`](ViewStore::begin) returns a [`Buffered`].
pub trait BufferedStore: ViewStore {
    /// The keys among these that have the mark of a removed row.
    fn removed<'a>(
        &'a self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>>;

    /// [`prepare`](ViewStore::prepare), if these leases are still the newest, in one step with the check. Without the check, a
    /// process whose lease was taken over could empty a view that a process with a newer shape has filled.
    fn prepare_under<'a>(&'a self, leases: &'a [Lease], shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Writes the collected changes, the checkpoints last, if the transaction's leases are still the newest.
    fn write_all(&self, collected: Collected, leases: Vec<Lease>) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// The change of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Replaces the stored row, unless that is of a later event.
    Put(Row),
    /// Removes the row because of the event at this position, unless the row is of a later event.
    Remove(Position),
}

impl Change {
    /// The position of the event that made the change.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Put(row) => row.position,
            Self::Remove(position) => *position,
        }
    }
}

/// The change of a parked key.
#[derive(Clone, Debug, PartialEq)]
pub enum Parking {
    /// Parks it, in place of an earlier entry.
    Park(Parked),
    /// Unparks it.
    Unpark {
        /// The projection.
        projection: String,
        /// The key's text.
        key: String,
    },
}

/// A projection that is cleared.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleared {
    /// Its view, if it makes one.
    pub shape: Option<ViewShape>,
    /// Its name.
    pub projection: String,
}

/// The collected changes of a transaction, to be written in the order of the fields.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// The projections to clear first. All other changes were made after that.
    pub cleared: Vec<Cleared>,
    /// The rows by key, one map per call of [`write`](ViewTransaction::write).
    pub rows: Vec<(ViewShape, BTreeMap<String, Change>)>,
    /// The changes of parked keys, in order.
    pub parking: Vec<Parking>,
    /// The checkpoints.
    pub checkpoints: BTreeMap<&'static str, Checkpoint>,
    /// The views to replace by their shadow builds, as (view, build).
    pub replaced: Vec<(Generation, Generation)>,
}

impl Collected {
    /// Whether the stored rows of a view no longer count.
    #[must_use]
    pub fn is_cleared(&self, view: &str) -> bool {
        self.cleared.iter().any(|cleared| cleared.shape.is_some_and(|shape| shape.name == view))
    }

    /// The changes of a view's rows, the last ones first.
    fn changes(&self, view: &str) -> impl Iterator<Item = &BTreeMap<String, Change>> {
        self.rows.iter().rev().filter(move |(shape, _)| shape.name == view).map(|(_, changes)| changes)
    }

    /// The change of a row, if any.
    fn change(&self, view: &str, key: &str) -> Option<&Change> {
        self.changes(view).find_map(|changes| changes.get(key))
    }

    fn clear(&mut self, shape: Option<&ViewShape>, projection: &str) {
        if let Some(shape) = shape {
            self.rows.retain(|(staged, _)| staged.name != shape.name);
            self.checkpoints.retain(|_, checkpoint| checkpoint.fingerprint != shape.fingerprint);
        }
        self.checkpoints.remove(projection);
        self.parking.retain(|parking| match parking {
            Parking::Park(parked) => parked.projection != projection,
            Parking::Unpark { projection: of, .. } => of != projection,
        });
        self.cleared.push(Cleared { shape: shape.copied(), projection: projection.to_owned() });
    }

    /// Whether a stored checkpoint no longer counts.
    fn forgets(&self, projection: &str, stored: Checkpoint) -> bool {
        self.cleared.iter().any(|cleared| {
            cleared.projection == projection
                || cleared.shape.is_some_and(|shape| shape.fingerprint == stored.fingerprint)
        })
    }

    fn park(&self, parked: &mut Vec<Parked>) {
        parked.retain(|parked| !self.cleared.iter().any(|cleared| cleared.projection == parked.projection));
        for parking in &self.parking {
            let (projection, key) = match parking {
                Parking::Park(entry) => (&entry.projection, &entry.key),
                Parking::Unpark { projection, key } => (projection, key),
            };
            parked.retain(|old| (&old.projection, &old.key) != (projection, key));
            if let Parking::Park(entry) = parking {
                parked.push(entry.clone());
            }
        }
    }
}

/// A transaction that collects changes.
pub struct Buffered<S> {
    store: S,
    leases: Vec<Lease>,
    collected: Collected,
    savepoints: Vec<Collected>,
}

opaque_debug!([S] Buffered<S> { leases });

impl<S: BufferedStore> Buffered<S> {
    /// An empty transaction of `store` under these leases.
    #[must_use]
    pub fn new(store: S, leases: &[Lease]) -> Self {
        Self { store, leases: leases.to_vec(), collected: Collected::default(), savepoints: Vec::new() }
    }

    /// The keys without a collected change that are not cleared.
    fn as_stored(&self, shape: &ViewShape, keys: &[String]) -> Vec<String> {
        if self.collected.is_cleared(shape.name) {
            return Vec::new();
        }
        keys.iter().filter(|key| self.collected.change(shape.name, key).is_none()).cloned().collect()
    }
}

fn done<'a>() -> BoxFuture<'a, Result<(), StoreError>> {
    Box::pin(std::future::ready(Ok(())))
}

impl<S: BufferedStore> ViewTransaction for Buffered<S> {
    fn rows<'a>(&'a mut self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let stored = self.as_stored(shape, keys);
            let mut rows = if stored.is_empty() { Vec::new() } else { self.store.rows(shape, &stored).await? };
            let keys: HashSet<&String> = keys.iter().collect();
            rows.extend(keys.into_iter().filter_map(|key| match self.collected.change(shape.name, key) {
                Some(Change::Put(row)) => Some(row.clone()),
                _ => None,
            }));
            Ok(rows)
        })
    }

    fn rows_by<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        index: &'static str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let query = RowQuery::new(shape.any_of(index, values));
            let is_cleared = self.collected.is_cleared(shape.name);
            let mut rows = if is_cleared { Vec::new() } else { self.store.find(shape, &query).await? };
            rows.retain(|row| self.collected.change(shape.name, &row.key).is_none());
            let mut seen = HashSet::new();
            for (key, change) in self.collected.changes(shape.name).flatten() {
                if seen.insert(key)
                    && let Change::Put(row) = change
                    && values_of(shape, row, index).iter().any(|value| values.contains(value))
                {
                    rows.push(row.clone());
                }
            }
            Ok(rows)
        })
    }

    fn removed<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        Box::pin(async move {
            let stored = self.as_stored(shape, keys);
            let mut removed = if stored.is_empty() { Vec::new() } else { self.store.removed(shape, &stored).await? };
            removed.extend(keys.iter().filter_map(|key| match self.collected.change(shape.name, key) {
                Some(Change::Remove(position)) => Some(Removed { key: key.clone(), position: *position }),
                _ => None,
            }));
            Ok(removed)
        })
    }

    fn write<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        put: &'a [Row],
        remove: &'a [Removed],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut rows: BTreeMap<String, Change> =
            put.iter().map(|row| (row.key.clone(), Change::Put(row.clone()))).collect();
        rows.extend(remove.iter().map(|removed| (removed.key.clone(), Change::Remove(removed.position))));
        self.collected.rows.push((*shape, rows));
        done()
    }

    fn clear<'a>(
        &'a mut self,
        shape: Option<&'a ViewShape>,
        projection: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.collected.clear(shape, projection);
        done()
    }

    fn checkpoints<'a>(
        &'a mut self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<Checkpoint>>, StoreError>> {
        Box::pin(async move {
            let mut found = Vec::with_capacity(projections.len());
            for projection in projections {
                let told = self.collected.checkpoints.get(projection).copied();
                let stored = if told.is_none() { self.store.checkpoint(projection).await? } else { None };
                found.push(told.or(stored.filter(|stored| !self.collected.forgets(projection, *stored))));
            }
            Ok(found)
        })
    }

    fn set_checkpoints<'a>(
        &'a mut self,
        checkpoints: &'a [(&'static str, Checkpoint)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.collected.checkpoints.extend(checkpoints.iter().copied());
        done()
    }

    fn parked(&mut self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(async {
            let mut parked = self.store.parked().await?;
            self.collected.park(&mut parked);
            Ok(parked)
        })
    }

    fn park<'a>(&'a mut self, parked: &'a [Parked]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.collected.parking.extend(parked.iter().cloned().map(Parking::Park));
        done()
    }

    fn unpark<'a>(&'a mut self, projection: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let unpark = Parking::Unpark { projection: projection.to_owned(), key: key.to_owned() };
        self.collected.parking.push(unpark);
        done()
    }

    fn replace(&mut self, live: Generation, next: Generation) -> BoxFuture<'_, Result<(), StoreError>> {
        self.collected.replaced.push((live, next));
        done()
    }

    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.savepoints.push(self.collected.clone());
        done()
    }

    fn end_savepoint(&mut self, undo: bool) -> BoxFuture<'_, Result<(), StoreError>> {
        if let (Some(before), true) = (self.savepoints.pop(), undo) {
            self.collected = before;
        }
        done()
    }
}

impl<S: BufferedStore> StandaloneTransaction for Buffered<S> {
    fn prepare<'a>(&'a mut self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.prepare_under(&self.leases, shape)
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move { self.store.write_all(self.collected, self.leases).await })
    }
}

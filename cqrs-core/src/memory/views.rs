//! Views in memory.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::column::Value;
use crate::debug::opaque_debug;
use crate::store_error::{BoxFuture, StoreError};
use crate::view::{
    Checkpoint, Comparison, Contents, Filter, Generation, Lease, Parked, Removal, Removed, Row, RowQuery,
    StandaloneTransaction, ViewShape, ViewStore, ViewTransaction, store::most_frequent, value, values,
};

/// A view store in memory: next to a [`MemoryLog`](crate::memory::MemoryLog), or separate (level 2). Clones share it.
///
/// ```
/// use cqrs_runtime::view::MemoryViews;
///
/// let views = MemoryViews::new();
/// let builder = cqrs_runtime::App::builder().views(views);
/// ```
#[derive(Clone, Default)]
pub struct MemoryViews {
    stored: Arc<RwLock<Stored>>,
    /// Held by a standalone transaction.
    lock: Arc<Mutex<()>>,
}

opaque_debug!(MemoryViews);

#[derive(Default)]
struct Stored {
    views: HashMap<String, StoredView>,
    checkpoints: HashMap<String, Checkpoint>,
    parked: BTreeMap<(String, String), Parked>,
    leases: HashMap<&'static str, Leased>,
}

/// The holder of a projection's lease. Times are of the process's monotonic clock.
struct Leased {
    owner: String,
    token: u64,
    until: Instant,
}

struct StoredView {
    fingerprint: u64,
    rows: BTreeMap<String, Row>,
}

impl MemoryViews {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A transaction inside one of the log, which has its own lock.
    pub(crate) fn inside(&self) -> MemoryViewTransaction {
        MemoryViewTransaction {
            stored: Arc::clone(&self.stored),
            staged: Staged::default(),
            savepoints: Vec::new(),
            leases: Vec::new(),
            lock: None,
        }
    }

    fn with_mut<R>(&self, change: impl FnOnce(&mut Stored) -> R) -> R {
        change(&mut self.stored.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<R>(&self, read: impl FnOnce(&Stored) -> R) -> R {
        read(&self.stored.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Stored {
    fn holds(&self, lease: &Lease) -> bool {
        self.leases.get(lease.projection).is_some_and(|leased| leased.token == lease.token)
    }

    fn rows(&self, shape: &ViewShape) -> impl Iterator<Item = &Row> {
        self.views.get(shape.name).into_iter().flat_map(|view| view.rows.values())
    }

    fn row(&self, shape: &ViewShape, key: &str) -> Option<&Row> {
        self.views.get(shape.name)?.rows.get(key)
    }
}

fn takes(shape: &ViewShape, filter: &Filter, row: &Row) -> bool {
    match filter {
        Filter::Compare(index, comparison, wanted) => {
            let there = value(shape, row, index);
            let is_null = there.is_storable_null() || wanted.is_storable_null();
            compares(*comparison, there.order(wanted), is_null)
        }
        Filter::Key(comparison, wanted) => compares(*comparison, row.key.cmp(wanted), false),
        Filter::OneOf(index, wanted) => wanted.contains(value(shape, row, index)),
        Filter::Has(index, wanted) => has(shape, row, index, wanted),
        Filter::All(parts) => parts.iter().all(|part| takes(shape, part, row)),
        Filter::Any(parts) => parts.iter().any(|part| takes(shape, part, row)),
    }
}

/// Whether an index of either sort has one of these values of a row.
fn has(shape: &ViewShape, row: &Row, index: &str, wanted: &[Value]) -> bool {
    values(shape, row, index).iter().any(|value| wanted.contains(value))
}

fn compares(comparison: Comparison, order: Ordering, is_null: bool) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        // Null is neither less nor greater than anything.
        _ if is_null => false,
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl ViewStore for MemoryViews {
    fn describe(&self) -> String {
        "the views in memory".into()
    }

    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with_mut(|stored| stored.prepare(shape));
        ready(())
    }

    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        ready(self.with(|stored| keys.iter().filter_map(|key| stored.row(shape, key)).cloned().collect()))
    }

    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        ready(self.with(|stored| {
            let rows = stored.rows(shape).filter(|row| takes(shape, &query.filter, row));
            query.select(shape, rows).cloned().collect()
        }))
    }

    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>> {
        ready(self.with(|stored| stored.rows(shape).filter(|row| takes(shape, filter, row)).count() as u64))
    }

    fn exists<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<bool, StoreError>> {
        ready(self.with(|stored| stored.rows(shape).any(|row| takes(shape, filter, row))))
    }

    fn count_by<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
        limit: Option<u32>,
    ) -> BoxFuture<'a, Result<Vec<(Value, u64)>, StoreError>> {
        ready(self.with(|stored| {
            let rows = stored.rows(shape).filter(|row| takes(shape, filter, row));
            most_frequent(rows.flat_map(|row| values(shape, row, index)).map(|value| (value.clone(), 1)), limit)
        }))
    }

    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        ready(self.with(|stored| stored.checkpoints.get(projection).copied()))
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        ready(self.with(|stored| stored.parked.values().cloned().collect()))
    }

    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        Box::pin(async {
            let lock = Arc::clone(&self.lock).lock_owned().await;
            let transaction = MemoryViewTransaction { leases: leases.to_vec(), lock: Some(lock), ..self.inside() };
            Ok(Box::new(transaction) as Box<dyn StandaloneTransaction>)
        })
    }

    fn lease<'a>(
        &'a self,
        projections: &'a [&'static str],
        owner: &'a str,
        time: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Lease>>, StoreError>> {
        let now = Instant::now();
        let lease = |stored: &mut Stored, projection| {
            let empty = || Leased { owner: owner.to_owned(), token: 1, until: now };
            let leased = stored.leases.entry(projection).or_insert_with(empty);
            if leased.owner != owner {
                if leased.until > now {
                    return None;
                }
                leased.token += 1;
                owner.clone_into(&mut leased.owner);
            }
            leased.until = now + time;
            Some(Lease { projection, token: leased.token })
        };
        ready(self.with_mut(|stored| projections.iter().map(|projection| lease(stored, *projection)).collect()))
    }

    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        let now = Instant::now();
        ready(self.with(|stored| {
            let held = |projection| stored.leases.get(projection).filter(|leased: &&Leased| leased.until > now);
            projections.iter().map(|projection| held(projection).map(|leased| leased.owner.clone())).collect()
        }))
    }

    fn contents(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        ready(self.with(Stored::contents))
    }

    fn remove<'a>(
        &'a self,
        removal: &'a Removal,
        mark: &'a str,
        unused: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        ready(self.with_mut(|stored| stored.remove(removal, mark, unused)))
    }

    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with_mut(|stored| {
            for lease in leases {
                if stored.holds(lease)
                    && let Some(leased) = stored.leases.get_mut(lease.projection)
                {
                    leased.until = Instant::now();
                }
            }
        });
        ready(())
    }
}

impl Stored {
    fn contents(&self) -> Contents {
        let now = Instant::now();
        Contents {
            checkpoints: self.checkpoints.iter().map(|(name, checkpoint)| (name.clone(), *checkpoint)).collect(),
            views: self.views.iter().map(|(name, view)| (name.clone(), view.rows.len() as u64)).collect(),
            leases: self
                .leases
                .iter()
                .map(|(name, leased)| ((*name).to_owned(), now.saturating_duration_since(leased.until)))
                .collect(),
        }
    }

    fn remove(&mut self, removal: &Removal, mark: &str, unused: Duration) -> bool {
        let is_used = |leased: &Leased| leased.until.checked_add(unused).is_none_or(|until| until > Instant::now());
        if self.leases.get(mark).is_some_and(is_used) {
            return false;
        }
        self.views.retain(|name, _| !removal.views.contains(name));
        self.checkpoints.retain(|name, _| !removal.projections.contains(name));
        self.parked.retain(|(projection, _), _| !removal.projections.contains(projection));
        self.leases.remove(mark);
        true
    }
}

/// The uncommitted changes of a transaction.
#[derive(Clone, Default)]
struct Staged {
    prepared: Vec<ViewShape>,
    cleared: HashSet<String>,
    rows: HashMap<String, BTreeMap<String, Option<Row>>>,
    checkpoints: HashMap<String, Option<Checkpoint>>,
    /// Changes of parked keys, in order.
    parking: Vec<Parking>,
    replaced: Vec<(Generation, Generation)>,
}

#[derive(Clone)]
enum Parking {
    Park(Parked),
    Unpark(String, String),
    Forget(String),
}

type ParkedKeys = BTreeMap<(String, String), Parked>;

impl Staged {
    fn park(&self, parked: &mut ParkedKeys) {
        for parking in self.parking.iter().cloned() {
            match parking {
                Parking::Park(entry) => {
                    parked.insert((entry.projection.clone(), entry.key.clone()), entry);
                }
                Parking::Unpark(projection, key) => {
                    parked.remove(&(projection, key));
                }
                Parking::Forget(projection) => parked.retain(|(of, _), _| *of != projection),
            }
        }
    }
}

pub(crate) struct MemoryViewTransaction {
    stored: Arc<RwLock<Stored>>,
    staged: Staged,
    savepoints: Vec<Staged>,
    leases: Vec<Lease>,
    lock: Option<OwnedMutexGuard<()>>,
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

    /// Commits, or returns the projection whose lease another process has taken.
    pub(crate) fn commit_now(self) -> Result<(), &'static str> {
        let mut stored = self.stored.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(lost) = self.leases.iter().find(|lease| !stored.holds(lease)) {
            return Err(lost.projection);
        }
        let mut staged = self.staged;
        for shape in &staged.prepared {
            stored.prepare(shape);
        }
        for view in &staged.cleared {
            if let Some(view) = stored.views.get_mut(view) {
                view.rows.clear();
            }
        }
        for (view, rows) in std::mem::take(&mut staged.rows) {
            let Some(view) = stored.views.get_mut(&view) else { continue };
            for (key, row) in rows {
                match row {
                    Some(row) => view.rows.insert(key, row),
                    None => view.rows.remove(&key),
                };
            }
        }
        staged.park(&mut stored.parked);
        for (projection, checkpoint) in staged.checkpoints {
            match checkpoint {
                Some(checkpoint) => stored.checkpoints.insert(projection, checkpoint),
                None => stored.checkpoints.remove(&projection),
            };
        }
        for (live, next) in staged.replaced {
            stored.replace(live, next);
        }
        Ok(())
    }
}

impl Stored {
    fn knows(&self, shape: &ViewShape) -> bool {
        self.views.get(shape.name).is_some_and(|view| view.fingerprint == shape.fingerprint)
    }

    fn prepare(&mut self, shape: &ViewShape) {
        if !self.knows(shape) {
            let empty = StoredView { fingerprint: shape.fingerprint, rows: BTreeMap::new() };
            self.views.insert(shape.name.to_owned(), empty);
            self.checkpoints.retain(|_, checkpoint| checkpoint.fingerprint != shape.fingerprint);
        }
    }

    fn replace(&mut self, live: Generation, next: Generation) {
        if let Some(view) = self.views.remove(next.shape.name) {
            let view = StoredView { fingerprint: live.shape.fingerprint, ..view };
            self.views.insert(live.shape.name.to_owned(), view);
        }
        if let Some(checkpoint) = self.checkpoints.remove(next.projection) {
            let checkpoint = Checkpoint { fingerprint: live.shape.fingerprint, ..checkpoint };
            self.checkpoints.insert(live.projection.to_owned(), checkpoint);
        }
        self.parked.retain(|(projection, _), _| projection != live.projection);
        let moved: Vec<_> = self.parked.keys().filter(|(of, _)| of == next.projection).cloned().collect();
        for place in moved {
            if let Some(parked) = self.parked.remove(&place) {
                let parked = Parked { projection: live.projection.to_owned(), ..parked };
                self.parked.insert((parked.projection.clone(), parked.key.clone()), parked);
            }
        }
    }
}

impl StandaloneTransaction for MemoryViewTransaction {
    fn prepare<'a>(&'a mut self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        if !self.with(|stored| stored.knows(shape)) {
            self.staged.prepared.push(*shape);
            self.staged.cleared.insert(shape.name.to_owned());
            self.staged.rows.remove(shape.name);
        }
        ready(())
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let lock = self.lock.take();
        let committed = self.commit_now();
        drop(lock);
        let failed = |projection: &str| StoreError::Failed {
            store: "the views in memory".into(),
            reason: format!("lease on projection `{projection}` was taken by another process"),
        };
        Box::pin(std::future::ready(committed.map_err(failed)))
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
        wanted: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        let keys: HashSet<String> = self.with(|stored| stored.rows(shape).map(|row| row.key.clone()).collect());
        let staged = self.staged.rows.get(shape.name).into_iter().flat_map(|rows| rows.keys().cloned());
        let keys: HashSet<String> = keys.into_iter().chain(staged).collect();
        let rows = keys.iter().filter_map(|key| self.row(shape, key));
        ready(rows.filter(|row| has(shape, row, index, wanted)).collect())
    }

    fn write<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        put: &'a [Row],
        remove: &'a [Removed],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let rows = self.staged.rows.entry(shape.name.to_owned()).or_default();
        rows.extend(put.iter().map(|row| (row.key.clone(), Some(row.clone()))));
        rows.extend(remove.iter().map(|removed| (removed.key.clone(), None)));
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
        self.staged.parking.push(Parking::Forget(projection.to_owned()));
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
        let mut parked = self.with(|stored| stored.parked.clone());
        self.staged.park(&mut parked);
        ready(parked.into_values().collect())
    }

    fn park<'a>(&'a mut self, parked: &'a [Parked]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.staged.parking.extend(parked.iter().cloned().map(Parking::Park));
        ready(())
    }

    fn unpark<'a>(&'a mut self, projection: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.staged.parking.push(Parking::Unpark(projection.to_owned(), key.to_owned()));
        ready(())
    }

    fn replace(&mut self, live: Generation, next: Generation) -> BoxFuture<'_, Result<(), StoreError>> {
        self.staged.replaced.push((live, next));
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

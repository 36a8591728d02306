//! A view store without transactions, as the trait asks one to be: it may die between any two of its writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use cqrs_runtime::Position;
use cqrs_runtime::log::{BoxFuture, StoreError};
use cqrs_runtime::view::{
    Checkpoint, Filter, Generation, Lease, MemoryViews, Parked, Removed, Row, RowQuery, StandaloneTransaction, Value,
    ViewShape, ViewStore, ViewTransaction,
};

/// Views in memory, written one by one.
#[derive(Clone, Default)]
pub struct Torn {
    views: MemoryViews,
    /// Where rows were removed, by view and key.
    marks: Arc<Mutex<HashMap<(String, String), Position>>>,
    /// How many writes are left before one fails; less than none: all succeed.
    fuse: Arc<AtomicI64>,
    /// The view whose rows are refused.
    refused: Arc<Mutex<Option<String>>>,
    /// Whether commits wait, and what became of those that did.
    stalled: Arc<watch::Sender<bool>>,
    late: Arc<watch::Sender<Vec<bool>>>,
    /// How many wait.
    waiting: Arc<watch::Sender<usize>>,
}

impl Torn {
    pub fn new() -> Self {
        let store = Self::default();
        store.fail_after(-1);
        store
    }

    /// Lets `writes` succeed, and then one fail.
    pub fn fail_after(&self, writes: i64) {
        self.fuse.store(writes, Ordering::SeqCst);
    }

    /// Refuses the rows of a view from now on.
    pub fn refuse(&self, view: Option<&str>) {
        *self.refused.lock().unwrap() = view.map(str::to_owned);
    }

    /// Lets commits wait, or go on.
    pub fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// Waits until a commit waits.
    pub async fn is_waited_for(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
    }

    /// Waits until a commit that had to wait has come to its end, and says whether it succeeded.
    pub async fn late_commit(&self) -> bool {
        let mut late = self.late.subscribe();
        let succeeded = late.wait_for(|late| !late.is_empty()).await.unwrap();
        succeeded[0]
    }

    /// The same views, by a connection that does not stall.
    pub fn another(&self) -> Self {
        Self { stalled: Arc::default(), late: Arc::default(), ..self.clone() }
    }

    /// Whether the failure is still to come.
    pub fn is_to_fail(&self) -> bool {
        self.fuse.load(Ordering::SeqCst) >= 0
    }

    fn spark(&self) -> Result<(), StoreError> {
        if self.fuse.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(StoreError::Unavailable { store: self.describe(), reason: "torn".into() });
        }
        Ok(())
    }

    /// One row, unless a later one is there.
    async fn write_one(&self, shape: &ViewShape, key: &str, change: &Change) -> Result<(), StoreError> {
        self.spark()?;
        if self.refused.lock().unwrap().as_deref() == Some(shape.name) {
            return Err(StoreError::Failed { store: self.describe(), reason: "it takes no such rows".into() });
        }
        let place = (shape.name.to_owned(), key.to_owned());
        let position = match change {
            Change::Put(row) => row.position,
            Change::Remove(position) => *position,
        };
        let stored = self.views.rows(shape, &[key.to_owned()]).await?.pop().map(|row| row.position);
        let marked = self.marks.lock().unwrap().get(&place).copied();
        if stored.max(marked).is_some_and(|newest| newest > position) {
            return Ok(());
        }
        let mut tx = self.views.begin(&[]).await?;
        match change {
            Change::Put(row) => {
                tx.write(shape, std::slice::from_ref(row), &[]).await?;
                self.marks.lock().unwrap().remove(&place);
            }
            Change::Remove(position) => {
                tx.write(shape, &[], &[Removed { key: key.to_owned(), position: *position }]).await?;
                self.marks.lock().unwrap().insert(place, *position);
            }
        }
        tx.commit().await
    }
}

impl ViewStore for Torn {
    fn describe(&self) -> String {
        "the views without transactions".into()
    }
    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        self.views.prepare(shape)
    }
    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        self.views.rows(shape, keys)
    }
    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        self.views.find(shape, query)
    }
    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.views.count(shape, filter)
    }
    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        self.views.checkpoint(projection)
    }
    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        self.views.parked()
    }
    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        let tx = Buffer { store: self.clone(), leases: leases.to_vec(), staged: Staged::default(), saved: Vec::new() };
        Box::pin(async { Ok(Box::new(tx) as Box<dyn StandaloneTransaction>) })
    }
    fn lease<'a>(
        &'a self,
        projections: &'a [&'static str],
        owner: &'a str,
        time: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Lease>>, StoreError>> {
        self.views.lease(projections, owner, time)
    }
    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.views.release(leases)
    }
}

#[derive(Clone)]
enum Change {
    Put(Row),
    Remove(Position),
}

/// What is not a row, in order.
#[derive(Clone)]
enum Note {
    Clear(Option<ViewShape>, String),
    Park(Parked),
    Unpark(String, String),
}

#[derive(Clone, Default)]
struct Staged {
    rows: Vec<(ViewShape, BTreeMap<String, Change>)>,
    notes: Vec<Note>,
    checkpoints: BTreeMap<&'static str, Checkpoint>,
    replaced: Vec<(Generation, Generation)>,
}

struct Buffer {
    store: Torn,
    leases: Vec<Lease>,
    staged: Staged,
    saved: Vec<Staged>,
}

impl Buffer {
    /// Whether what is stored of a view counts no more.
    fn is_cleared(&self, view: &str) -> bool {
        let clears = |note: &Note| matches!(note, Note::Clear(Some(shape), _) if shape.name == view);
        self.staged.notes.iter().any(clears)
    }

    fn staged(&self, view: &str) -> impl Iterator<Item = (&String, &Change)> {
        let rows = self.staged.rows.iter().filter(move |(shape, _)| shape.name == view);
        rows.flat_map(|(_, rows)| rows)
    }

    async fn all_rows(&self, shape: &ViewShape) -> Result<BTreeMap<String, Row>, StoreError> {
        let every = RowQuery { filter: Filter::All(Vec::new()), order: Vec::new(), limit: None, offset: 0 };
        let stored = if self.is_cleared(shape.name) { Vec::new() } else { self.store.find(shape, &every).await? };
        let mut rows: BTreeMap<String, Row> = stored.into_iter().map(|row| (row.key.clone(), row)).collect();
        for (key, change) in self.staged(shape.name) {
            match change {
                Change::Put(row) => rows.insert(key.clone(), row.clone()),
                Change::Remove(_) => rows.remove(key),
            };
        }
        Ok(rows)
    }
}

fn done<'a>() -> BoxFuture<'a, Result<(), StoreError>> {
    Box::pin(std::future::ready(Ok(())))
}

impl ViewTransaction for Buffer {
    fn rows<'a>(&'a mut self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let mut all = self.all_rows(shape).await?;
            Ok(keys.iter().filter_map(|key| all.remove(key)).collect())
        })
    }
    fn rows_by<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        index: &'static str,
        values: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let place = shape.indexes.iter().position(|known| known.name == index).unwrap();
            let all = self.all_rows(shape).await?.into_values();
            Ok(all.filter(|row| values.contains(&row.indexes[place])).collect())
        })
    }
    fn removed<'a>(
        &'a mut self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        let cleared = self.is_cleared(shape.name);
        let marks = self.store.marks.lock().unwrap();
        let removed = keys.iter().filter_map(|key| {
            let position = *marks.get(&(shape.name.to_owned(), key.clone()))?;
            (!cleared).then(|| Removed { key: key.clone(), position })
        });
        Box::pin(std::future::ready(Ok(removed.collect())))
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
        self.staged.rows.push((*shape, rows));
        done()
    }
    fn clear<'a>(
        &'a mut self,
        shape: Option<&'a ViewShape>,
        projection: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some(shape) = shape {
                self.staged.rows.retain(|(staged, _)| staged.name != shape.name);
                self.staged.checkpoints.retain(|_, checkpoint| checkpoint.fingerprint != shape.fingerprint);
            }
            self.staged.checkpoints.remove(projection);
            self.staged.notes.push(Note::Clear(shape.copied(), projection.to_owned()));
            Ok(())
        })
    }
    fn checkpoints<'a>(
        &'a mut self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<Checkpoint>>, StoreError>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for projection in projections {
                let stored = self.store.checkpoint(projection).await?;
                let cleared = |note: &Note| match note {
                    Note::Clear(shape, of) => {
                        let claims = shape.is_some_and(|s| stored.is_some_and(|c| c.fingerprint == s.fingerprint));
                        of == projection || claims
                    }
                    _ => false,
                };
                let stored = stored.filter(|_| !self.staged.notes.iter().any(cleared));
                found.push(self.staged.checkpoints.get(projection).copied().or(stored));
            }
            Ok(found)
        })
    }
    fn set_checkpoints<'a>(
        &'a mut self,
        checkpoints: &'a [(&'static str, Checkpoint)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.staged.checkpoints.extend(checkpoints.iter().copied());
        done()
    }
    fn parked(&mut self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(async {
            let mut parked = self.store.parked().await?;
            for note in &self.staged.notes {
                match note {
                    Note::Clear(_, projection) => parked.retain(|parked| parked.projection != *projection),
                    Note::Park(entry) => {
                        parked.retain(|old| (&old.projection, &old.key) != (&entry.projection, &entry.key));
                        parked.push(entry.clone());
                    }
                    Note::Unpark(projection, key) => {
                        parked.retain(|old| (&old.projection, &old.key) != (projection, key));
                    }
                }
            }
            Ok(parked)
        })
    }
    fn park<'a>(&'a mut self, parked: &'a [Parked]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.staged.notes.extend(parked.iter().cloned().map(Note::Park));
        done()
    }
    fn unpark<'a>(&'a mut self, projection: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.staged.notes.push(Note::Unpark(projection.to_owned(), key.to_owned()));
        done()
    }
    fn replace(&mut self, live: Generation, next: Generation) -> BoxFuture<'_, Result<(), StoreError>> {
        self.staged.replaced.push((live, next));
        done()
    }
    fn savepoint(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.saved.push(self.staged.clone());
        done()
    }
    fn end_savepoint(&mut self, undo: bool) -> BoxFuture<'_, Result<(), StoreError>> {
        if let (Some(before), true) = (self.saved.pop(), undo) {
            self.staged = before;
        }
        done()
    }
}

impl StandaloneTransaction for Buffer {
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let store = self.store.clone();
            let waits = *store.stalled.borrow();
            if waits {
                store.waiting.send_modify(|waiting| *waiting += 1);
                store.stalled.subscribe().wait_for(|stalled| !stalled).await.unwrap();
            }
            let committed = self.write_all().await;
            if waits {
                store.late.send_modify(|late| late.push(committed.is_ok()));
            }
            committed
        })
    }
}

impl Buffer {
    async fn write_all(self) -> Result<(), StoreError> {
        {
            let Self { store, leases, staged, .. } = self;
            let (clears, notes): (Vec<_>, Vec<_>) =
                staged.notes.into_iter().partition(|note| matches!(note, Note::Clear(..)));
            for note in clears {
                let Note::Clear(shape, projection) = note else { continue };
                store.spark()?;
                let mut tx = store.views.begin(&leases).await?;
                tx.clear(shape.as_ref(), &projection).await?;
                tx.commit().await?;
                if let Some(shape) = shape {
                    store.marks.lock().unwrap().retain(|(view, _), _| view != shape.name);
                }
            }
            for (shape, rows) in &staged.rows {
                for (key, change) in rows {
                    store.write_one(shape, key, change).await?;
                }
            }
            for note in notes {
                store.spark()?;
                let mut tx = store.views.begin(&leases).await?;
                match note {
                    Note::Park(parked) => tx.park(&[parked]).await?,
                    Note::Unpark(projection, key) => tx.unpark(&projection, &key).await?,
                    Note::Clear(..) => {}
                }
                tx.commit().await?;
            }
            store.spark()?;
            let mut tx = store.views.begin(&leases).await?;
            tx.set_checkpoints(&staged.checkpoints.into_iter().collect::<Vec<_>>()).await?;
            for (live, next) in staged.replaced {
                tx.replace(live, next).await?;
                let mut marks = store.marks.lock().unwrap();
                marks.retain(|(view, _), _| view != live.shape.name);
                let moved: Vec<_> = marks.extract_if(|(view, _), _| view == next.shape.name).collect();
                marks.extend(moved.into_iter().map(|((_, key), at)| ((live.shape.name.to_owned(), key), at)));
            }
            tx.commit().await
        }
    }
}

//! A view store without transactions, as the trait asks one to be: it may die between any two of its writes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use cqrs_runtime::Position;
use cqrs_runtime::log::{BoxFuture, StoreError};
use cqrs_runtime::view::buffer::{Buffered, BufferedStore, Change, Cleared, Collected, Parking};
use cqrs_runtime::view::{
    Checkpoint, Filter, Lease, MemoryViews, Parked, Removed, Row, RowQuery, StandaloneTransaction, ViewShape, ViewStore,
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
        let position = change.position();
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
        let tx = Buffered::new(self.clone(), leases);
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
    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        self.views.holders(projections)
    }
    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.views.release(leases)
    }
}

impl BufferedStore for Torn {
    fn removed<'a>(
        &'a self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        let marks = self.marks.lock().unwrap();
        let removed = keys.iter().filter_map(|key| {
            let position = *marks.get(&(shape.name.to_owned(), key.clone()))?;
            Some(Removed { key: key.clone(), position })
        });
        Box::pin(std::future::ready(Ok(removed.collect())))
    }
    fn prepare_under<'a>(&'a self, leases: &'a [Lease], shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let mut tx = self.views.begin(leases).await?;
            tx.prepare(shape).await?;
            tx.commit().await
        })
    }
    fn write_all(&self, collected: Collected, leases: Vec<Lease>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let waits = *self.stalled.borrow();
            if waits {
                self.waiting.send_modify(|waiting| *waiting += 1);
                self.stalled.subscribe().wait_for(|stalled| !stalled).await.unwrap();
            }
            let committed = self.write_one_by_one(collected, &leases).await;
            if waits {
                self.late.send_modify(|late| late.push(committed.is_ok()));
            }
            committed
        })
    }
}

impl Torn {
    async fn write_one_by_one(&self, collected: Collected, leases: &[Lease]) -> Result<(), StoreError> {
        for Cleared { shape, projection } in collected.cleared {
            self.spark()?;
            let mut tx = self.views.begin(leases).await?;
            tx.clear(shape.as_ref(), &projection).await?;
            tx.commit().await?;
            if let Some(shape) = shape {
                self.marks.lock().unwrap().retain(|(view, _), _| view != shape.name);
            }
        }
        for (shape, rows) in &collected.rows {
            for (key, change) in rows {
                self.write_one(shape, key, change).await?;
            }
        }
        for parking in collected.parking {
            self.spark()?;
            let mut tx = self.views.begin(leases).await?;
            match parking {
                Parking::Park(parked) => tx.park(&[parked]).await?,
                Parking::Unpark { projection, key } => tx.unpark(&projection, &key).await?,
            }
            tx.commit().await?;
        }
        self.spark()?;
        let mut tx = self.views.begin(leases).await?;
        tx.set_checkpoints(&collected.checkpoints.into_iter().collect::<Vec<_>>()).await?;
        for (live, next) in collected.replaced {
            tx.replace(live, next).await?;
            let mut marks = self.marks.lock().unwrap();
            marks.retain(|(view, _), _| view != live.shape.name);
            let moved: Vec<_> = marks.extract_if(|(view, _), _| view == next.shape.name).collect();
            marks.extend(moved.into_iter().map(|((_, key), at)| ((live.shape.name.to_owned(), key), at)));
        }
        tx.commit().await
    }
}

//! A process that dies in the middle of its commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cqrs_redis::RedisViews;
use cqrs_runtime::log::{BoxFuture, StoreError};
use cqrs_runtime::view::buffer::{Buffered, BufferedStore, Collected};
use cqrs_runtime::view::{
    Checkpoint, Filter, Lease, Parked, Removed, Row, RowQuery, StandaloneTransaction, ViewShape, ViewStore,
};

/// Views whose every other batch is written in part only: one row more each time, and no checkpoint.
#[derive(Clone)]
pub struct Dying {
    views: RedisViews,
    commits: Arc<AtomicUsize>,
}

impl Dying {
    pub fn new(views: RedisViews) -> Self {
        Self { views, commits: Arc::default() }
    }

    /// How often it has died or not.
    pub fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }
}

impl ViewStore for Dying {
    fn describe(&self) -> String {
        self.views.describe()
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
        let transaction: Box<dyn StandaloneTransaction> = Box::new(Buffered::new(self.clone(), leases));
        Box::pin(std::future::ready(Ok(transaction)))
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

impl BufferedStore for Dying {
    fn removed<'a>(
        &'a self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        self.views.removed(shape, keys)
    }
    fn prepare_under<'a>(&'a self, leases: &'a [Lease], shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        self.views.prepare_under(leases, shape)
    }
    fn write_all(&self, collected: Collected, leases: Vec<Lease>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if !collected.cleared.is_empty() {
                return self.views.write_all(collected, leases).await;
            }
            let commit = self.commits.fetch_add(1, Ordering::SeqCst);
            if commit % 2 == 1 {
                return self.views.write_all(collected, leases).await;
            }
            let mut left = commit / 2;
            let mut rows = collected.rows;
            for (_, changes) in &mut rows {
                let taken = left.min(changes.len());
                left -= taken;
                *changes = std::mem::take(changes).into_iter().take(taken).collect();
            }
            self.views.write_all(Collected { rows, ..Collected::default() }, leases).await?;
            Err(StoreError::Unavailable { store: self.describe(), reason: "the process died".into() })
        })
    }
}

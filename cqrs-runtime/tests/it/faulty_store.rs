//! A log and a read side that a test can make unavailable.

use std::sync::Arc;

use cqrs_runtime::Position;
use cqrs_runtime::log::{BoxFuture, EventLog, EventQuery, LogTransaction, MemoryLog, Page, StoreError};
use cqrs_runtime::view::{Checkpoint, Lease, MemoryViews, Parked, StandaloneTransaction, ViewStore};
use tokio::sync::watch;

/// What ails it.
#[derive(Clone, Copy, PartialEq)]
pub enum StoreFault {
    None,
    /// Nothing answers.
    Hangs,
    /// Everything fails.
    Fails,
    /// The lock cannot be had. Reading works.
    NoLock,
    /// Asking for the lock panics.
    Panics,
}

/// What is `inner`, as far as nothing ails it.
#[derive(Clone)]
pub struct FaultyStore<S> {
    pub inner: S,
    fault: Arc<watch::Sender<StoreFault>>,
}

impl<S> FaultyStore<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, fault: Arc::new(watch::Sender::new(StoreFault::None)) }
    }

    pub fn has(&self, fault: StoreFault) {
        self.fault.send_replace(fault);
    }

    async fn answers(&self) -> Result<(), StoreError> {
        let mut fault = self.fault.subscribe();
        if *fault.wait_for(|fault| *fault != StoreFault::Hangs).await.unwrap() == StoreFault::Fails {
            return Err(StoreError::Unavailable { store: "the faulty store".into(), reason: "it is away".into() });
        }
        Ok(())
    }
}

impl EventLog for FaultyStore<MemoryLog> {
    fn describe(&self) -> String {
        "the faulty log".into()
    }
    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            self.answers().await?;
            self.inner.read(query, after, limit).await
        })
    }
    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        Box::pin(async {
            self.answers().await?;
            self.inner.head().await
        })
    }
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
        Box::pin(async {
            self.answers().await?;
            let fault = *self.fault.borrow();
            assert!(fault != StoreFault::Panics, "the lock is broken");
            if fault == StoreFault::NoLock {
                return Err(StoreError::Unavailable { store: self.describe(), reason: "it is locked".into() });
            }
            self.inner.begin().await
        })
    }
    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        self.inner.views()
    }
}

impl ViewStore for FaultyStore<MemoryViews> {
    cqrs_runtime::view::forward_view_store! {
        self => self.inner;
        prepare rows find count count_by lease release
    }

    fn describe(&self) -> String {
        "the faulty views".into()
    }
    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        Box::pin(async move {
            self.answers().await?;
            self.inner.checkpoint(projection).await
        })
    }
    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(async {
            self.answers().await?;
            self.inner.parked().await
        })
    }
    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        Box::pin(async move {
            self.answers().await?;
            self.inner.holders(projections).await
        })
    }
    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        Box::pin(async move {
            self.answers().await?;
            self.inner.begin(leases).await
        })
    }
}

//! The bound of every wait for a store.

use std::sync::Arc;
use std::time::Duration;

use cqrs_core::log::LogTransaction;
use cqrs_core::store_error::StoreError;

/// How long the app waits for one answer of a store.
#[derive(Clone, Debug)]
pub(crate) struct StoreTimeout {
    store: Arc<str>,
    limit: Duration,
}

impl StoreTimeout {
    /// Default, longer than an adapter waits for a lock.
    pub(crate) const DEFAULT: Duration = Duration::from_secs(60);

    pub(crate) fn new(store: String, limit: Duration) -> Self {
        Self { store: store.into(), limit }
    }

    /// Waits for a call that changes nothing if its answer is dropped.
    pub(crate) async fn of<T, E: From<StoreError>>(&self, asking: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        tokio::time::timeout(self.limit, asking).await.unwrap_or_else(|_| {
            let reason = format!("no answer within {:?}", self.limit);
            Err(StoreError::Unavailable { store: self.store.to_string(), reason }.into())
        })
    }

    /// Commits. Without an answer the outcome is unknown.
    pub(crate) async fn commit(&self, tx: Box<dyn LogTransaction>) -> Result<(), StoreError> {
        tokio::time::timeout(self.limit, tx.commit()).await.unwrap_or_else(|_| {
            let reason = format!("no answer to the commit within {:?}", self.limit);
            Err(StoreError::Unknown { store: self.store.to_string(), reason })
        })
    }
}

//! The return types of store calls: a boxed future, and the store's own failures.

use std::pin::Pin;

/// A boxed future, the return type of the adapters' object-safe traits.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A failure of the store itself, not of the domain or the caller.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or is too busy. Nothing was changed; the call can be retried.
    #[error("{store} is unavailable: {reason}")]
    Unavailable {
        /// Which store, and where.
        store: String,
        /// The reason.
        reason: String,
    },
    /// The store answered with an error, or holds invalid data. Nothing was changed.
    #[error("{store} failed: {reason}")]
    Failed {
        /// Which store, and where.
        store: String,
        /// The reason.
        reason: String,
    },
    /// It may or may not have committed: the answer was lost. A command with an id can be sent again.
    #[error("commit outcome unknown at {store}: {reason}")]
    Unknown {
        /// Which store, and where.
        store: String,
        /// The reason.
        reason: String,
    },
}

//! Why a policy did not answer an event.

use crate::model::aggregate::FoldError;
use cqrs_core::store_error::StoreError;

/// Why a policy did not answer an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReactionError {
    /// The event cannot be read.
    #[error(transparent)]
    Unreadable(#[from] FoldError),
    /// A parameter is not available.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
    /// The policy returned an error.
    #[error("the policy failed: {0}")]
    Failed(String),
    /// The policy panicked.
    #[error("the policy panicked: {0}")]
    Panicked(String),
}

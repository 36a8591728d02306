//! The checkpoints of policies, in the log's database.

use cqrs_core::log::LogTransaction;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::ViewTransaction;

/// The fingerprint of checkpoints that have no rows.
pub(super) const NO_ROWS: u64 = 0;

/// The checkpoints in the log's database.
pub(super) fn checkpoints<'a>(
    tx: &'a mut dyn LogTransaction,
    store: &str,
) -> Result<&'a mut dyn ViewTransaction, StoreError> {
    let reason = "it stores no checkpoints, although `App::build` checks for that";
    tx.views().ok_or_else(|| StoreError::Failed { store: store.to_owned(), reason: reason.into() })
}

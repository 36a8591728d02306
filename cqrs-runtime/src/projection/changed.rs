//! Async projections whose tables were filled by another version.
//!
//! When a projection changes, its view is rebuilt next to the old one. The framework does not know the content of an async
//! projection's tables, and cannot clear them. So it stores the fingerprint of the version that fills them. A program with another
//! version applies no events and moves no checkpoint. It shows the projection as parked as a whole until an operator decides:
//! `rebuild` applies every event again, `skip` resumes at the tables' position. Programs of the version that fills the tables are
//! not affected.

use super::engine::Engine;
use super::filled::Filled;
use super::fingerprint::Fingerprints;
use crate::projection::ProjectionInfo;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Parked, ViewStore, ViewTransaction};

impl Engine {
    /// The parked keys, as this version sees them.
    pub(super) async fn parked(&self, tx: &mut dyn ViewTransaction) -> Result<Vec<Parked>, StoreError> {
        Ok(self.parked_and_unclaimed(tx).await?.0)
    }

    /// The parked keys, and the checkpoints by which this version claims tables that no version has filled yet.
    pub(super) async fn parked_and_unclaimed(
        &self,
        tx: &mut dyn ViewTransaction,
    ) -> Result<(Vec<Parked>, Vec<(&'static str, Checkpoint)>), StoreError> {
        let (mut parked, mut unclaimed) = (tx.parked().await?, Vec::new());
        if !self.has_handles() {
            return Ok((parked, unclaimed));
        }
        let names: Vec<&str> = self.filled().flat_map(|filled| [filled.by, filled.projection]).collect();
        let stored = tx.checkpoints(&names).await?;
        for (filled, stored) in self.filled().zip(stored.chunks(2)) {
            let (by, reached) = (stored[0], stored[1]);
            match filled.parked(by, reached) {
                Some(changed) => parked.push(changed),
                None if by.is_some_and(|by| by.fingerprint == filled.fingerprint) => {}
                None => unclaimed.push(filled.by_this()),
            }
        }
        Ok((parked, unclaimed))
    }

    /// The parked keys, read without a transaction.
    pub(super) async fn parked_in(&self, store: &dyn ViewStore) -> Result<Vec<Parked>, StoreError> {
        let mut parked = store.parked().await?;
        parked.extend(changed(store, self.filled()).await?);
        Ok(parked)
    }

    /// The checkpoints by which this version claims the tables of its async projections.
    pub(super) fn claims(&self) -> Vec<(&'static str, Checkpoint)> {
        self.filled().map(|filled| filled.by_this()).collect()
    }

    fn filled(&self) -> impl Iterator<Item = Filled> {
        self.handles.iter().map(|entry| entry.filled)
    }

    /// Returns the checkpoint to claim an async projection's tables, if another version fills them.
    pub(super) async fn is_changed(
        &self,
        tx: &mut dyn ViewTransaction,
        projection: &str,
    ) -> Result<Option<(&'static str, Checkpoint)>, StoreError> {
        let Some(filled) = self.filled().find(|filled| filled.projection == projection) else { return Ok(None) };
        let stored = tx.checkpoints(&[filled.by, filled.projection]).await?;
        Ok(filled.is_changed(stored[0], stored[1]).then(|| filled.by_this()))
    }
}

/// The async projections whose tables another version fills, as the parked entries that are shown.
pub(crate) async fn changed_in(
    store: &dyn ViewStore,
    projections: &[&'static ProjectionInfo],
) -> Result<Vec<Parked>, StoreError> {
    let handles = projections.iter().filter(|info| info.view.is_none());
    let fingerprints = Fingerprints::of(projections);
    changed(store, handles.map(|info| Filled::new(info.name, fingerprints.get(info.name)))).await
}

async fn changed(
    store: &dyn ViewStore,
    handles: impl Iterator<Item = Filled> + Send,
) -> Result<Vec<Parked>, StoreError> {
    let mut parked = Vec::new();
    for filled in handles.collect::<Vec<_>>() {
        let (by, reached) = (store.checkpoint(filled.by).await?, store.checkpoint(filled.projection).await?);
        parked.extend(filled.parked(by, reached));
    }
    Ok(parked)
}

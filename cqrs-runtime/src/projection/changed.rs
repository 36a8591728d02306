//! Async projections that are not the ones which have filled their tables.
//!
//! A view whose projection has changed is rebuilt next to the old one. The tables of an async projection are its owner's affair:
//! nobody else knows what is in them, or how to empty them. So the fingerprint of the version that fills them is stored. A program
//! whose version is another one applies nothing and moves no checkpoint: to it the projection is parked as a whole, until somebody
//! says how to go on. `rebuild` applies every event again, `skip` goes on from where the tables are. To programs of the version that
//! fills them nothing has happened.

use super::engine::Engine;
use super::filled::Filled;
use super::fingerprint::Fingerprints;
use crate::projection::ProjectionInfo;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Parked, ViewStore, ViewTransaction};

impl Engine {
    /// What is parked, as this version sees it.
    pub(super) async fn parked(&self, tx: &mut dyn ViewTransaction) -> Result<Vec<Parked>, StoreError> {
        Ok(self.parked_and_unclaimed(tx).await?.0)
    }

    /// The same, and the checkpoints to set which say that this version fills the tables that nobody has filled.
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

    /// What is parked, outside a transaction.
    pub(super) async fn parked_in(&self, store: &dyn ViewStore) -> Result<Vec<Parked>, StoreError> {
        let mut parked = store.parked().await?;
        parked.extend(changed(store, self.filled()).await?);
        Ok(parked)
    }

    /// Says that this version fills the tables of its async projections from now on.
    pub(super) fn claims(&self) -> Vec<(&'static str, Checkpoint)> {
        self.filled().map(|filled| filled.by_this()).collect()
    }

    fn filled(&self) -> impl Iterator<Item = Filled> {
        self.handles.iter().map(|entry| entry.filled)
    }

    /// Whether the tables of one of its async projections are filled by another version.
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

/// The async projections among these whose tables another version fills, as they are shown.
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

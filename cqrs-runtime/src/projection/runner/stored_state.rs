//! The stored state of both builds of a group.

use super::change::Seen;
use super::group::ProjectionGroup;
use crate::projection::Engine;
use crate::projection::partition::Stored;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{ViewStore, ViewTransaction};

impl Seen {
    pub(super) async fn in_transaction(
        tx: &mut dyn ViewTransaction,
        group: &ProjectionGroup,
    ) -> Result<Self, StoreError> {
        let (live, shadow) = builds(group);
        let mut seen = Self::default();
        for name in live {
            seen.live.push(Stored::in_transaction(tx, name).await?);
        }
        for name in shadow {
            seen.shadow.push(Stored::in_transaction(tx, name).await?);
        }
        Ok(seen)
    }

    pub(super) async fn in_store(store: &dyn ViewStore, group: &ProjectionGroup) -> Result<Self, StoreError> {
        let (live, shadow) = builds(group);
        let mut seen = Self::default();
        for name in live {
            seen.live.push(Stored::in_store(store, name).await?);
        }
        for name in shadow {
            seen.shadow.push(Stored::in_store(store, name).await?);
        }
        Ok(seen)
    }

    pub(super) fn is_split(&self) -> bool {
        self.live.iter().chain(&self.shadow).any(|stored| stored.number() > 1)
    }

    /// Whether the live build of a single projection has this program's shape.
    pub(super) fn is_live(&self, group: &ProjectionGroup) -> bool {
        is_of(&group.live, &self.live)
    }

    /// Whether its shadow build has.
    pub(super) fn is_shadow(&self, group: &ProjectionGroup) -> bool {
        is_of(&group.shadow, &self.shadow)
    }

    /// The lease names of all stored partitions, of any shape.
    pub(super) fn partition_names(&self, group: &ProjectionGroup) -> Vec<&'static str> {
        let of = |(name, stored): (&&'static str, &Stored)| stored.partition_names(name);
        let live = group.stored.iter().zip(&self.live).flat_map(of);
        // A partition has one lease for both builds.
        let shadow = group.stored.iter().zip(&self.shadow).flat_map(of);
        let mut names: Vec<_> = live.chain(shadow).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The checkpoint names of both builds, without partitions.
fn builds(group: &ProjectionGroup) -> (Vec<&'static str>, Vec<&'static str>) {
    let names = |engine: &Engine| engine.places().map(|place| place.projection).collect();
    (group.stored.clone(), names(&group.shadow))
}

fn is_of(engine: &Engine, stored: &[Stored]) -> bool {
    let fingerprint = engine.places().next().map(|place| place.shape.fingerprint);
    stored.len() == 1 && fingerprint.is_some() && stored[0].fingerprint() == fingerprint
}

//! What the store says of both builds of a unit.

use super::change::Seen;
use super::unit::Unit;
use crate::projection::Engine;
use crate::projection::partition::Stored;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{ViewStore, ViewTransaction};

impl Seen {
    pub(super) async fn in_transaction(tx: &mut dyn ViewTransaction, unit: &Unit) -> Result<Self, StoreError> {
        let (live, beside) = builds(unit);
        let mut seen = Self::default();
        for name in live {
            seen.live.push(Stored::in_transaction(tx, name).await?);
        }
        for name in beside {
            seen.beside.push(Stored::in_transaction(tx, name).await?);
        }
        Ok(seen)
    }

    pub(super) async fn in_store(store: &dyn ViewStore, unit: &Unit) -> Result<Self, StoreError> {
        let (live, beside) = builds(unit);
        let mut seen = Self::default();
        for name in live {
            seen.live.push(Stored::in_store(store, name).await?);
        }
        for name in beside {
            seen.beside.push(Stored::in_store(store, name).await?);
        }
        Ok(seen)
    }

    pub(super) fn is_split(&self) -> bool {
        self.live.iter().chain(&self.beside).any(|stored| stored.number() > 1)
    }

    /// Whether what is read of a single projection is of this program's shape.
    pub(super) fn is_live(&self, unit: &Unit) -> bool {
        is_of(&unit.live, &self.live)
    }

    /// Whether its shadow build is.
    pub(super) fn is_beside(&self, unit: &Unit) -> bool {
        is_of(&unit.beside, &self.beside)
    }

    /// The leases of all partitions that there are, of any shape.
    pub(super) fn part_names(&self, unit: &Unit) -> Vec<&'static str> {
        let of = |(name, stored): (&&'static str, &Stored)| stored.part_names(name);
        let live = unit.stored.iter().zip(&self.live).flat_map(of);
        // A part has one lease for both builds.
        let beside = unit.stored.iter().zip(&self.beside).flat_map(of);
        let mut names: Vec<_> = live.chain(beside).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The plain names of both builds' checkpoints.
fn builds(unit: &Unit) -> (Vec<&'static str>, Vec<&'static str>) {
    let names = |engine: &Engine| engine.places().map(|place| place.projection).collect();
    (unit.stored.clone(), names(&unit.beside))
}

fn is_of(engine: &Engine, stored: &[Stored]) -> bool {
    let fingerprint = engine.places().next().map(|place| place.shape.fingerprint);
    stored.len() == 1 && fingerprint.is_some() && stored[0].fingerprint() == fingerprint
}

//! The stored names of projections, which include their fingerprints.
//!
//! Two versions of a program run side by side on one read database. So the rows, the checkpoint, the lease and the parked keys of
//! a fold projection have names that end with `@` and the projection's fingerprint: no process ever reads, clears or
//! blocks the data of another version, and a new version of a projection starts at the log's start. Users and operators see the
//! plain names.
//!
//! An async projection manages its tables itself. Its checkpoint has the plain name.

use std::collections::BTreeMap;

use super::fingerprint::Fingerprints;
use super::partition::kept;
use crate::projection::ProjectionInfo;
use cqrs_core::view::ViewShape;

/// The shape fingerprint of an async projection, which manages its tables itself.
pub(super) const NO_SHAPE: u64 = 0;

/// The stored names of one projection's rows and checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredAs {
    /// The name of its checkpoint, its lease and its parked keys.
    pub(crate) name: &'static str,
    /// Its rows, if it folds.
    pub(crate) shape: Option<ViewShape>,
}

impl StoredAs {
    /// The checkpoint that records the log's head when the first build began. The build is done when it reaches that position.
    pub(crate) fn goal(&self) -> &'static str {
        goal_of(self.name)
    }

    /// The fingerprint of its checkpoint.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.shape.map_or(NO_SHAPE, |shape| shape.fingerprint)
    }
}

/// The suffix of the checkpoint that records the goal of a first build.
const BUILT: &str = "@built";

pub(super) fn goal_of(stored: &str) -> &'static str {
    kept(format!("{stored}{BUILT}"))
}

/// The stored names of several projections' rows and checkpoints, by projection name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generations(BTreeMap<&'static str, StoredAs>);

impl Generations {
    /// Of projections that share a store.
    pub(crate) fn of(projections: &[&'static ProjectionInfo]) -> Self {
        let fingerprints = Fingerprints::of(projections);
        let stored_as = |info: &&'static ProjectionInfo| {
            let Some(view) = info.view else { return (info.name, StoredAs { name: info.name, shape: None }) };
            let fingerprint = fingerprints.get(info.name);
            let named = |name: &str| kept(format!("{name}@{fingerprint:016x}"));
            let shape = ViewShape { name: named(view.name), ..view.shape(fingerprint) };
            (info.name, StoredAs { name: named(info.name), shape: Some(shape) })
        };
        Self(projections.iter().map(stored_as).collect())
    }

    /// The stored names of a projection.
    pub(crate) fn get(&self, projection: &str) -> Option<StoredAs> {
        self.0.get(projection).copied()
    }

    /// The names of the checkpoints.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &'static str> {
        self.0.values().map(|stored| stored.name)
    }

    /// Returns whether they include this version of this projection.
    pub(crate) fn has(&self, projection: &str, fingerprint: Option<u64>) -> bool {
        self.0.get(projection).is_some_and(|own| own.shape.map(|shape| shape.fingerprint) == fingerprint)
    }

    /// The projection that is stored under this name.
    pub(crate) fn plain(&self, stored: &str) -> Option<&'static str> {
        self.0.iter().find(|(_, stored_as)| stored_as.name == stored).map(|(name, _)| *name)
    }
}

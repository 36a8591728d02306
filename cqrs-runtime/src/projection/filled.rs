//! Which version fills the tables of an async projection.

use super::partition::kept;
use cqrs_core::position::Bookmark;
use cqrs_core::view::{Checkpoint, Parked};

/// An async projection of this program, and where the store says which version fills its tables.
#[derive(Clone, Copy)]
pub(super) struct Filled {
    pub(super) projection: &'static str,
    /// The name of a checkpoint, whose fingerprint it is.
    pub(super) by: &'static str,
    pub(super) fingerprint: u64,
}

impl Filled {
    pub(super) fn new(projection: &'static str, fingerprint: u64) -> Self {
        Self { projection, by: kept(format!("{projection}@filled")), fingerprint }
    }

    /// The checkpoint which says that this version fills them.
    pub(super) fn by_this(&self) -> (&'static str, Checkpoint) {
        (self.by, Checkpoint::at(Bookmark::START, self.fingerprint))
    }

    /// Whether tables that hold anything are another version's.
    pub(super) fn is_changed(&self, by: Option<Checkpoint>, reached: Option<Checkpoint>) -> bool {
        by.is_some_and(|by| by.fingerprint != self.fingerprint)
            && reached.is_some_and(|reached| reached.position > Bookmark::START.position)
    }

    /// How it is shown.
    pub(super) fn parked(&self, by: Option<Checkpoint>, reached: Option<Checkpoint>) -> Option<Parked> {
        let at = reached.filter(|_| self.is_changed(by, reached))?.position;
        Some(Parked {
            projection: self.projection.to_owned(),
            key: String::new(),
            position: at,
            event: String::new(),
            error: format!(
                "its events, their versions or its `revision` are not those of the version that has filled its tables up to \
                 position {at}; to apply every event again, fix the content of its tables and rebuild it; to go on from there, skip"
            ),
            attempts: 1,
        })
    }
}

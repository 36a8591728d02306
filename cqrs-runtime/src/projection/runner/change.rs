//! A change of all parts of a projection, on its way: plain data, which a unit holds while it lasts.

use std::sync::Arc;

use crate::projection::Engine;
use crate::projection::partition::Stored;
use cqrs_core::position::Bookmark;
use cqrs_core::view::Lease;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// To split both builds into as many partitions as this program has.
    Split,
    /// To begin a shadow build of the view.
    Rebuild,
    /// To make the shadow build the one that is read.
    Switch,
}

/// What the store says of both builds of a unit, projection by projection.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) live: Vec<Stored>,
    pub(super) beside: Vec<Stored>,
}

/// All parts of a projection in this process's hands.
pub(super) struct Gathered {
    pub(super) leases: Vec<Lease>,
    pub(super) change: Change,
    pub(super) seen: Seen,
    /// Those that are to be brought to one position, and that position.
    pub(super) behind: Vec<Behind>,
    pub(super) live_to: Bookmark,
    pub(super) beside_to: Bookmark,
}

/// A part that is brought on.
pub(super) struct Behind {
    pub(super) engine: Arc<Engine>,
    pub(super) at: Bookmark,
    pub(super) to: Bookmark,
}

impl Gathered {
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.leases.iter().map(|lease| lease.projection).collect()
    }
}

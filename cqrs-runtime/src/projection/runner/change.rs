//! A change of all partitions of a projection: plain data, which a group holds while the change lasts.

use std::sync::Arc;

use crate::projection::Engine;
use crate::projection::partition::{Partition, Stored};
use cqrs_core::position::Bookmark;
use cqrs_core::view::Lease;

/// The kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Split both builds into as many partitions as this program has.
    Split,
    /// Begin a shadow build of the view.
    Rebuild,
    /// Make the shadow build the one that is read.
    Switch,
}

/// A group's part in a partitioned projection: it is one partition, or manages all of them.
pub(super) struct Partitioning {
    /// For a partition: which one, and the index of the group that manages all partitions.
    pub(super) part: Option<(Partition, usize)>,
    /// For a partition: whether it exists in the store and this process may ask for it.
    pub(super) may_ask: bool,
    /// For a partition: whether this process held it before all partitions were gathered.
    pub(super) held_before: bool,
    /// The number of partitions of its one projection. 1 means not partitioned.
    pub(super) split: u32,
    /// The stored state, as last read.
    pub(super) seen: Seen,
    /// The change that all partitions must undergo together.
    pub(super) change: Option<Change>,
    /// All partitions, while this process holds them for that change.
    pub(super) gathered: Option<Gathered>,
    /// The lease by which this process says that it holds too few partitions.
    pub(super) waits: Option<Lease>,
}

impl Partitioning {
    pub(super) fn new(split: u32) -> Self {
        Self {
            part: None,
            may_ask: true,
            held_before: false,
            split,
            seen: Seen::default(),
            change: None,
            gathered: None,
            waits: None,
        }
    }

    /// Gives up a change that is in progress.
    pub(super) fn abandon(&mut self) {
        (self.change, self.gathered) = (None, None);
    }
}

/// The stored state of both builds of a group, per projection.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) live: Vec<Stored>,
    pub(super) shadow: Vec<Stored>,
}

/// All partitions of a projection, held by this process for a change.
pub(super) struct Gathered {
    pub(super) leases: Vec<Lease>,
    pub(super) change: Change,
    pub(super) seen: Seen,
    /// Partitions that must first reach a common position, and that position.
    pub(super) behind: Vec<Behind>,
    pub(super) live_to: Bookmark,
    pub(super) shadow_to: Bookmark,
}

/// A partition that must catch up.
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

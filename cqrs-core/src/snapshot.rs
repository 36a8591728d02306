//! The trait that a database implements to store snapshots.

use std::borrow::Cow;

use uuid::Uuid;

use crate::id::Tag;
use crate::position::Position;
use crate::store_error::{BoxFuture, StoreError};

/// The key of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotKey {
    /// The aggregate's type with its path.
    pub aggregate: Cow<'static, str>,
    /// The tag of its events.
    pub tag: Tag,
    /// See `Snapshots::fingerprint`, in cqrs-runtime.
    pub fingerprint: u64,
}

/// A state, and the event up to which it was folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its key.
    pub key: SnapshotKey,
    /// The position of the last folded event.
    pub position: Position,
    /// The id of that event. If the log holds another event there, the snapshot is of another log.
    pub event: Uuid,
    /// The state, as JSON.
    pub state: Box<str>,
}

/// Stores snapshots, a cache next to the log.
///
/// Run crate `cqrs-conformance` on an implementation. Snapshots need not survive a crash: lost ones are folded
/// again. A loaded snapshot must be one that was saved, complete.
pub trait SnapshotStore: Send + Sync + 'static {
    /// The store's name in messages: its kind and location, without secrets.
    fn describe(&self) -> String;

    /// The snapshots of these keys, in the order of `keys`, from one read. `None` where there is none with that
    /// fingerprint.
    ///
    /// # Errors
    /// The caller then loads without snapshots.
    fn load<'a>(&'a self, keys: &'a [SnapshotKey]) -> BoxFuture<'a, Result<Vec<Option<Snapshot>>, StoreError>>;

    /// Saves snapshots. Each replaces the stored one of its aggregate and tag, for any fingerprint or position. Of several
    /// with the same aggregate and tag, the last one counts.
    ///
    /// Called in the background, one call at a time. It must not delay appends to the log for longer than the write takes: an
    /// implementation in the log's own database does not wait for the disk here (`synchronous_commit = off`).
    ///
    /// # Errors
    /// Some snapshots, or none, were saved. Later ones will be tried.
    fn save<'a>(&'a self, snapshots: &'a [Snapshot]) -> BoxFuture<'a, Result<(), StoreError>>;
}

//! What a database must do to keep snapshots.

use std::borrow::Cow;

use uuid::Uuid;

use crate::id::Tag;
use crate::log::{BoxFuture, Position, StoreError};

/// What a snapshot is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotKey {
    /// The aggregate's type, with its path.
    pub aggregate: Cow<'static, str>,
    /// The tag of its events.
    pub tag: Tag,
    /// See [`Snapshots::fingerprint`](super::Snapshots::fingerprint).
    pub fingerprint: u64,
}

/// A state, and the event up to which it was folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is found by.
    pub key: SnapshotKey,
    /// Where the last event stands that is folded in.
    pub position: Position,
    /// The id of that event: a log that holds another one there is not the log that it was taken of.
    pub event: Uuid,
    /// The state, as JSON.
    pub state: Box<str>,
}

/// Keeps snapshots: a cache, beside the log.
///
/// Run [`conformance`](super::conformance) on an implementation. Nothing here needs to survive a crash: what is lost is folded
/// anew. What comes back must be what was saved, whole.
pub trait SnapshotStore: Send + Sync + 'static {
    /// What to call it in messages: the kind of store and where it is, without secrets.
    fn describe(&self) -> String;

    /// The snapshots of these keys, in the order of `keys`, in one reading; `None` where there is none of that fingerprint.
    ///
    /// # Errors
    /// Whoever asked loads without snapshots.
    fn load<'a>(&'a self, keys: &'a [SnapshotKey]) -> BoxFuture<'a, Result<Vec<Option<Snapshot>>, StoreError>>;

    /// Keeps these, each in place of the one that was kept of its aggregate and tag, whatever its fingerprint or position. Of
    /// several of one aggregate and tag the last counts.
    ///
    /// Called in the background, one call at a time. It must not hold up who appends to the log for longer than the writing
    /// takes: an implementation on the log's own database does not wait for the disk here (`synchronous_commit = off`).
    ///
    /// # Errors
    /// None of these is kept, or some are; later ones will be tried.
    fn save<'a>(&'a self, snapshots: &'a [Snapshot]) -> BoxFuture<'a, Result<(), StoreError>>;
}

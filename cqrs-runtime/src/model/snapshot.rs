//! Snapshots: stored states of aggregates, so that loading one reads only the events since.
//!
//! An aggregate opts in with `#[aggregate(id = OrderId, on = [..], snapshots)]`. When a hundred of its events
//! ([`AppBuilder::snapshot_every`](crate::AppBuilder::snapshot_every)) have been folded since the last snapshot, its state is
//! written in the background, after the commands that changed it were answered. The next process that loads it starts from there.
//!
//! A snapshot is a cache. It contains committed events only, and is not written in a command's transaction. A snapshot is ignored
//! if it is missing, damaged, of another shape, or of events that are not in the log (because a backup was restored, for example).
//! Then the aggregate is folded from its first event, as it is without snapshots.
//!
//! # When a snapshot is used
//!
//! It is stored with a [fingerprint](Snapshots::fingerprint) of
//!
//! - the state's shape: names, fields, variants and types, all the way down, as its `Deserialize` asks for them
//! - the names and versions of its events
//! - the number that the option gives: `snapshots = 2`
//!
//! After a change of any of these, old snapshots are ignored automatically.
//!
//! # What the fingerprint does not cover
//!
//! **A fold method whose code changes while the fields stay the same.** If `discount` was stored in percent and is now stored in cents,
//! both as `u32`, a snapshot of the old program is read by the new one, and decisions use a state that the current fold methods would
//! never produce. Increment the option's number whenever a fold method produces another state: `snapshots`, then `snapshots = 2`,
//! `snapshots = 3`. This also applies to code that the methods call, and to an event's `From` of an earlier version.
//!
//! **What `Deserialize` does not ask for**: the inside of an `untagged` enum, of a flattened `Option` and of `serde_json::Value`. In a
//! tuple also everything after a type that accepts none of the tried values. Increment the number when one of those changes.
//!
//! **A field that serde skips.** A snapshot contains what `Serialize` writes and `Deserialize` reads. A field that is marked
//! `#[serde(skip)]` is restored as its default, not as it was folded. A [scenario](crate::testing::given) test shows this: its decisions
//! use states that were written and read back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use cqrs_core::debug::opaque_debug;
use cqrs_core::shape;

pub use cqrs_core::snapshot::{Snapshot, SnapshotKey, SnapshotStore};

/// A state that can be stored as a snapshot: `Serialize + DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "[CQRS406] snapshots of `{Self}` cannot be kept",
    label = "not `Serialize + DeserializeOwned`",
    note = "a snapshot is the state as serde writes it and reads it back: all that is in it must go through",
    note = "derive `Serialize` and `Deserialize` for it, or take `snapshots` away",
    note = "see: cqrs_runtime::rules#cqrs406"
)]
pub trait Snapshotted: Serialize + DeserializeOwned + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Snapshotted for T {}

/// How snapshots of `A` are written and read.
pub struct Snapshots<A> {
    pub(super) fold: u32,
    pub(super) versions: &'static [u32],
    pub(super) shape: fn() -> u64,
    pub(super) write: fn(&A) -> serde_json::Result<String>,
    pub(super) read: fn(&str) -> serde_json::Result<A>,
}

opaque_debug!([A] Snapshots<A>);

/// The snapshots of `A`. `fold` is the number of its fold, from 1. `versions` are those of its events, in the order
/// of [`Aggregate::EVENTS`](super::aggregate::Aggregate::EVENTS).
#[must_use]
pub const fn snapshots<A: Snapshotted>(fold: u32, versions: &'static [u32]) -> Snapshots<A> {
    Snapshots {
        fold,
        versions,
        shape: shape::fingerprint::<A>,
        write: |state| serde_json::to_string(state),
        read: |text| serde_json::from_str(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::aggregate::slot::Slot;
    use crate::model::aggregate::{Aggregate, FoldError};
    use cqrs_core::event::RecordedEvent;
    use cqrs_core::id::Tag;

    #[derive(cqrs_macros::Id)]
    pub struct DoorId(uuid::Uuid);

    /// The fingerprint of one shape and other parts.
    macro_rules! fingerprint {
        ($events:expr, $fold:literal, $versions:expr) => {
            fingerprint!($events, $fold, $versions, bool)
        };
        ($events:expr, $fold:literal, $versions:expr, $open:ty) => {{
            #[derive(serde::Serialize, serde::Deserialize)]
            struct Door {
                open: $open,
            }
            impl Aggregate for Door {
                const NAME: &'static str = "Door";
                type Id = DoorId;
                const EVENTS: &'static [&'static str] = &$events;
                const SLOT: Slot<Self> = Slot::<Self>::OF;
                const SNAPSHOTS: Option<Snapshots<Self>> = Some(snapshots::<Door>($fold, &$versions));
                fn fold(_: &mut Option<Self>, _: &RecordedEvent, _: &DoorId) -> Result<(), FoldError> {
                    Ok(())
                }
            }
            Door::SNAPSHOTS.map(|snapshots| snapshots.fingerprint()).unwrap()
        }};
    }

    #[test]
    fn a_fingerprint_is_of_shape_events_versions_and_the_folds_number() {
        let one = fingerprint!(["Opened", "Closed"], 1, [1, 2]);
        assert_eq!(one, fingerprint!(["Opened", "Closed"], 1, [1, 2]), "the same input gives the same fingerprint");
        assert_eq!(one, fingerprint!(["Closed", "Opened"], 1, [2, 1]), "the order of a list does not matter");
        assert_ne!(one, fingerprint!(["Opened", "Closed"], 2, [1, 2]), "the fold's number");
        assert_ne!(one, fingerprint!(["Opened", "Closed"], 1, [2, 1]), "which event has which version");
        assert_ne!(one, fingerprint!(["Opened", "Locked"], 1, [1, 2]), "an event's name");
        assert_ne!(one, fingerprint!(["Opened"], 1, [1]), "an event less");
        assert_ne!(one, fingerprint!(["Opened", "Closed"], 1, [1, 2], Option<bool>), "the state's shape");
    }

    #[test]
    fn a_key_names_the_type_with_its_path() {
        mod other {
            #[derive(serde::Serialize, serde::Deserialize)]
            pub struct Door;
        }
        impl Aggregate for other::Door {
            const NAME: &'static str = "Door";
            type Id = DoorId;
            const EVENTS: &'static [&'static str] = &[];
            const SLOT: Slot<Self> = Slot::<Self>::OF;
            fn fold(_: &mut Option<Self>, _: &RecordedEvent, _: &DoorId) -> Result<(), FoldError> {
                Ok(())
            }
        }
        let key = snapshots::<other::Door>(1, &[]).key(&Tag::from_text("door:1"));
        assert!(
            key.aggregate.ends_with("::other::Door"),
            "two aggregates of one name do not share snapshots: {}",
            key.aggregate
        );
        assert_eq!(key.tag.as_str(), "door:1");
    }
}

//! A cached aggregate.

use std::panic::{AssertUnwindSafe, catch_unwind};

use uuid::Uuid;

use crate::model::aggregate::slot::AggregateSlot;
use crate::model::aggregate::{FoldError, FoldRefusal};
use crate::model::error::{Corrupt, Entity};
use cqrs_core::event::RecordedEvent;
use cqrs_core::panics::panic_message;
use cqrs_core::position::Position;
use cqrs_core::snapshot::{Snapshot, SnapshotKey};

/// A cached aggregate.
pub(crate) struct Entry {
    pub(crate) slot: Box<dyn AggregateSlot>,
    /// The position of its last folded event. Events are folded in order, so it has all earlier ones.
    as_of: Position,
    /// That event's id.
    last: Uuid,
    /// The error, if its events cannot be folded.
    pub(crate) corrupt: Option<FoldError>,
    /// Whether it starts from a snapshot, and whether the log is known to hold the snapshot's event.
    basis: Basis,
    /// How many events were folded since the last snapshot.
    since: u64,
}

/// The start of an entry's fold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// Its first event, or a snapshot whose event the log holds.
    Known,
    /// A snapshot whose event was not yet found in the log.
    Claimed,
    /// A snapshot whose event is not in the log.
    Refuted,
}

impl Entry {
    pub(crate) fn new(slot: Box<dyn AggregateSlot>) -> Self {
        Self { slot, as_of: Position::START, last: Uuid::nil(), corrupt: None, basis: Basis::Known, since: 0 }
    }

    /// Folds one of its events, unless it has that event.
    pub(crate) fn fold(&mut self, event: &RecordedEvent) {
        if self.basis == Basis::Claimed && event.position() >= self.as_of {
            let agrees = event.position() == self.as_of && event.header().id == self.last;
            self.basis = if agrees { Basis::Known } else { Basis::Refuted };
        }
        if self.as_of >= event.position() || self.corrupt.is_some() || self.basis == Basis::Refuted {
            return;
        }
        let slot = &mut self.slot;
        let folded = catch_unwind(AssertUnwindSafe(|| slot.fold(event)))
            .unwrap_or_else(|panic| Err(FoldError::at(event, FoldRefusal::Panicked(panic_message(&*panic)))));
        self.corrupt = folded.err();
        self.as_of = event.position();
        self.last = event.header().id;
        self.since += 1;
    }

    /// Refuses aggregates that are not as the caller has seen them at position `expected`: one has a later event, or the log ends
    /// before that position, at `head`. Without aggregates there is nothing to compare.
    ///
    /// # Errors
    /// The position.
    pub(crate) fn require_unchanged<'a>(
        mut entries: impl Iterator<Item = &'a Self>,
        expected: Option<Position>,
        head: Position,
    ) -> Result<(), Position> {
        match expected {
            Some(expected) if entries.any(|entry| expected > head || entry.as_of > expected) => Err(expected),
            _ => Ok(()),
        }
    }

    /// Starts an empty entry from a snapshot. An unreadable snapshot is ignored.
    pub(crate) fn restore(&mut self, snapshot: &Snapshot) {
        let slot = &mut self.slot;
        let restored = catch_unwind(AssertUnwindSafe(|| slot.restore(&snapshot.state)))
            .unwrap_or_else(|panic| Err(panic_message(&*panic)));
        match restored {
            Ok(()) => {
                (self.as_of, self.last) = (snapshot.position, snapshot.event);
                self.basis = Basis::Claimed;
            }
            Err(reason) => {
                let (SnapshotKey { aggregate, tag, .. }, position) = (&snapshot.key, snapshot.position);
                tracing::warn!(%aggregate, %tag, %position, reason, "unreadable snapshot ignored");
            }
        }
    }

    /// The position after which its events must be read. The event of its snapshot is among them.
    pub(super) fn start(&self) -> Position {
        if self.basis == Basis::Claimed { self.as_of.previous() } else { self.as_of }
    }

    /// Resets the entry if its snapshot does not fit the events read from the log. Returns whether it did.
    ///
    /// The log decides: if folding on a snapshot fails, it is retried without.
    pub(super) fn give_up_snapshot(&mut self, on_snapshot: bool) -> bool {
        let wrong = self.basis != Basis::Known || (on_snapshot && self.corrupt.is_some());
        if wrong {
            let (aggregate, tag, position) = (self.slot.kind().name, self.slot.tag(), self.as_of);
            tracing::warn!(aggregate, %tag, %position, "snapshot does not fit the log's events; ignored");
            *self = Self::new(self.slot.empty());
        }
        wrong
    }

    /// Whether it starts from a snapshot that the log has not confirmed yet.
    pub(super) fn is_on_snapshot(&self) -> bool {
        self.basis == Basis::Claimed
    }

    /// Writes the state as a snapshot and reads it back. If that fails, the entry is corrupt.
    pub(crate) fn rehearse(&mut self) {
        if self.corrupt.is_some() || self.slot.snapshot_key().is_none() {
            return;
        }
        let mut slot = self.slot.empty();
        let through = || self.slot.write()?.map_or(Ok(()), |state| slot.restore(&state));
        match catch_unwind(AssertUnwindSafe(through)).unwrap_or_else(|panic| Err(panic_message(&*panic))) {
            Ok(()) => self.slot = slot,
            Err(reason) => {
                let reason = FoldRefusal::Failed(format!(
                    "the state cannot be written and read as a snapshot: serde says `{reason}`"
                ));
                let event = self.slot.kind().events.join("` or `");
                self.corrupt = Some(FoldError { event, position: self.as_of, reason });
            }
        }
    }

    /// Whether at least `every` events were folded since the last snapshot.
    pub(crate) fn is_due(&self, every: u64) -> bool {
        self.since >= every && self.corrupt.is_none() && self.basis == Basis::Known
    }

    /// A snapshot of the current state. `None` if there is no state.
    pub(crate) fn snapshot(&mut self, key: SnapshotKey) -> Result<Option<Snapshot>, String> {
        // Also on failure: the same state would fail again.
        self.since = 0;
        let slot = &self.slot;
        let written =
            catch_unwind(AssertUnwindSafe(|| slot.write())).unwrap_or_else(|panic| Err(panic_message(&*panic)))?;
        let state = written.map(String::into_boxed_str);
        Ok(state.map(|state| Snapshot { key, position: self.as_of, event: self.last, state }))
    }
}

/// The error of an aggregate whose history cannot be folded.
pub(crate) fn corrupt(slot: &dyn AggregateSlot, error: FoldError) -> Box<Corrupt> {
    let entity = Entity { aggregate: slot.kind().name, id: slot.tag().id().to_owned() };
    Box::new(Corrupt { entity, error })
}

//! The aggregates that the sequencer keeps in memory.

use std::any::TypeId;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::job::panic_message;
use crate::aggregate::{FoldError, FoldRefusal};
use crate::boundary::{AggregateKind, AggregateSlot};
use crate::event::RecordedEvent;
use crate::id::Tag;
use crate::log::Position;

/// What an aggregate is found by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    kind: TypeId,
    tag: Tag,
}

impl Key {
    pub(super) fn of(slot: &dyn AggregateSlot) -> Self {
        Self { kind: slot.kind().type_id, tag: slot.tag().clone() }
    }
}

/// An aggregate in memory.
pub(super) struct Entry {
    pub(super) slot: Box<dyn AggregateSlot>,
    /// Its last event that is folded in. Events reach it in order, so that it lacks none before.
    as_of: Position,
    /// Why it cannot be folded, if it cannot.
    pub(super) corrupt: Option<FoldError>,
}

impl Entry {
    pub(super) fn new(slot: Box<dyn AggregateSlot>) -> Self {
        Self { slot, as_of: Position::START, corrupt: None }
    }

    /// Folds one of its events in, unless that is done already.
    pub(super) fn fold(&mut self, event: &RecordedEvent) {
        if self.as_of >= event.position() || self.corrupt.is_some() {
            return;
        }
        let slot = &mut self.slot;
        let folded = catch_unwind(AssertUnwindSafe(|| slot.fold(event)))
            .unwrap_or_else(|panic| Err(FoldError::at(event, FoldRefusal::Panicked(panic_message(&*panic)))));
        self.corrupt = folded.err();
        self.as_of = event.position();
    }
}

/// A bounded map of entries in two generations: what the younger one has no room for becomes the older one, and what is in
/// the older one when that happens again, unused, is forgotten.
pub(super) struct Cache {
    young: HashMap<Key, Entry>,
    old: HashMap<Key, Entry>,
    generation: usize,
    kinds: Vec<AggregateKind>,
}

impl Cache {
    pub(super) fn new(size: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation: size.div_ceil(2).max(1), kinds: Vec::new() }
    }

    /// The entry, if it is there.
    pub(super) fn get(&self, key: &Key) -> Option<&Entry> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Keeps the entry from being forgotten. Says whether it is there.
    pub(super) fn touch(&mut self, key: &Key) -> bool {
        if self.young.contains_key(key) {
            return true;
        }
        let Some(entry) = self.old.remove(key) else { return false };
        self.young.insert(key.clone(), entry);
        true
    }

    /// Adds an entry.
    pub(super) fn insert(&mut self, key: Key, entry: Entry) {
        let kind = entry.slot.kind();
        if !self.kinds.iter().any(|known| known.type_id == kind.type_id) {
            self.kinds.push(kind);
        }
        self.young.insert(key, entry);
    }

    /// Makes room. Between batches only, so that a batch keeps what it has loaded.
    pub(super) fn trim(&mut self) {
        if self.young.len() > self.generation {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// Takes over all entries of `other`.
    pub(super) fn absorb(&mut self, other: Self) {
        for (key, entry) in other.young.into_iter().chain(other.old) {
            self.insert(key, entry);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.young.remove(key);
        self.old.remove(key);
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// The keys of all aggregates, of kinds seen so far, that this event belongs to.
    pub(super) fn keys(&self, event: &RecordedEvent) -> impl Iterator<Item = Key> {
        let listening = self.kinds.iter().filter(|kind| kind.events.contains(&event.name()));
        listening.flat_map(|kind| {
            let tags = event.tags().iter().filter(|tag| tag.prefix() == kind.prefix);
            tags.map(|tag| Key { kind: kind.type_id, tag: tag.clone() })
        })
    }

    /// Folds an event into every aggregate in memory that it belongs to.
    pub(super) fn fold(&mut self, event: &RecordedEvent) {
        let keys: Vec<Key> = self.keys(event).collect();
        for key in keys {
            let entry = self.young.get_mut(&key).or_else(|| self.old.get_mut(&key));
            if let Some(entry) = entry {
                entry.fold(event);
            }
        }
    }
}

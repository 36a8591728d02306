//! The aggregates that the sequencer caches.

use std::any::TypeId;

use super::cached::Entry;
use crate::fast_map::{FastMap, FastSet};
use crate::model::aggregate::slot::{AggregateKind, AggregateSlot};

use cqrs_core::event::RecordedEvent;
use cqrs_core::id::Tag;

/// The key of a cached aggregate.
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

/// A bounded map in two generations. When the young generation is full, it becomes the old one. Entries of the old
/// generation that were not used in between are dropped.
pub(super) struct Cache {
    young: FastMap<Key, Entry>,
    old: FastMap<Key, Entry>,
    generation: usize,
    kinds: Vec<AggregateKind>,
}

impl Cache {
    pub(super) fn new(size: usize) -> Self {
        Self {
            young: FastMap::default(),
            old: FastMap::default(),
            generation: size.div_ceil(2).max(1),
            kinds: Vec::new(),
        }
    }

    /// The entry, if it is cached.
    pub(super) fn get(&self, key: &Key) -> Option<&Entry> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// The entry, mutably.
    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut Entry> {
        self.young.get_mut(key).or_else(|| self.old.get_mut(key))
    }

    /// Keeps the entry from being dropped. Returns `false` if it is not cached.
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

    /// Makes room if needed, and returns whether it did. Called between batches only, so that a batch keeps its entries.
    pub(super) fn trim(&mut self) -> bool {
        let full = self.young.len() > self.generation;
        if full {
            self.old = std::mem::take(&mut self.young);
        }
        full
    }

    /// Drops all other entries.
    pub(super) fn retain(&mut self, needed: &FastSet<Key>) {
        self.young.retain(|key, _| needed.contains(key));
        self.old.retain(|key, _| needed.contains(key));
    }

    /// The keys of all entries.
    pub(super) fn keys_in_memory(&self) -> impl Iterator<Item = &Key> {
        self.young.keys().chain(self.old.keys())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Entry> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    /// The keys of all aggregates, of the types seen so far, that this event belongs to.
    pub(super) fn keys(&self, event: &RecordedEvent) -> impl Iterator<Item = Key> {
        let listening = self.kinds.iter().filter(|kind| kind.events.contains(&event.name()));
        listening.flat_map(|kind| {
            let tags = event.tags().iter().filter(|tag| tag.prefix() == kind.prefix);
            tags.map(|tag| Key { kind: kind.type_id, tag: tag.clone() })
        })
    }

    /// Folds an event into every cached aggregate that it belongs to.
    pub(super) fn fold(&mut self, event: &RecordedEvent) {
        let keys: Vec<Key> = self.keys(event).collect();
        for key in keys {
            if let Some(entry) = self.get_mut(&key) {
                entry.fold(event);
            }
        }
    }
}

//! Which aggregates are warm, as callers see it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cache::Key;

/// How many bits there are for each aggregate that may be in memory.
const BITS_EACH: usize = 8;

/// A guess at which aggregates the sequencer has in memory, which costs callers no lock. The sequencer knows better: it sends a
/// command back whose aggregate it has not, and drops what was loaded needlessly.
pub(super) struct Warm {
    bits: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Warm {
    /// For so many aggregates.
    pub(super) fn new(aggregates: usize) -> Self {
        let words = (aggregates.saturating_mul(BITS_EACH) / 64).clamp(1, 1 << 20).next_power_of_two();
        Self { bits: (0..words).map(|_| AtomicU64::new(0)).collect(), hasher: RandomState::new() }
    }

    fn place(&self, key: &Key) -> (usize, u64) {
        let hash = self.hasher.hash_one(key);
        #[allow(clippy::cast_possible_truncation, reason = "any of its bits will do")]
        let word = (hash >> 6) as usize & (self.bits.len() - 1);
        (word, 1 << (hash & 63))
    }

    /// Whether the aggregate may be in memory.
    pub(super) fn may_have(&self, key: &Key) -> bool {
        let (word, bit) = self.place(key);
        self.bits[word].load(Ordering::Relaxed) & bit != 0
    }

    /// It is in memory from now on.
    pub(super) fn add(&self, key: &Key) {
        let (word, bit) = self.place(key);
        self.bits[word].fetch_or(bit, Ordering::Relaxed);
    }

    /// These are in memory from now on, and no others.
    pub(super) fn replace<'a>(&self, keys: impl Iterator<Item = &'a Key>) {
        let mut bits = vec![0; self.bits.len()];
        for key in keys {
            let (word, bit) = self.place(key);
            bits[word] |= bit;
        }
        for (word, bits) in self.bits.iter().zip(bits) {
            word.store(bits, Ordering::Relaxed);
        }
    }
}

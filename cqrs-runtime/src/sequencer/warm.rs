//! Which aggregates are cached, as callers see it.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

use super::cache::Key;

/// Bits per aggregate that may be cached.
const BITS_EACH: usize = 8;

/// An estimate of which aggregates the sequencer has cached, which callers read without a lock. If it is wrong, the sequencer
/// sends the command back, or drops what was loaded needlessly.
pub(super) struct Warm {
    bits: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Warm {
    /// For this number of cached aggregates.
    pub(super) fn new(aggregates: usize) -> Self {
        let words = (aggregates.saturating_mul(BITS_EACH) / 64).clamp(1, 1 << 20).next_power_of_two();
        Self { bits: (0..words).map(|_| AtomicU64::new(0)).collect(), hasher: RandomState::default() }
    }

    fn place(&self, key: &Key) -> (usize, u64) {
        let hash = self.hasher.hash_one(key);
        #[allow(clippy::cast_possible_truncation, reason = "any of its bits will do")]
        let word = (hash >> 6) as usize & (self.bits.len() - 1);
        (word, 1 << (hash & 63))
    }

    /// Whether the aggregate may be cached.
    pub(super) fn may_have(&self, key: &Key) -> bool {
        let (word, bit) = self.place(key);
        self.bits[word].load(Ordering::Relaxed) & bit != 0
    }

    /// Adds a cached aggregate.
    pub(super) fn add(&self, key: &Key) {
        let (word, bit) = self.place(key);
        self.bits[word].fetch_or(bit, Ordering::Relaxed);
    }

    /// Replaces the set of cached aggregates.
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

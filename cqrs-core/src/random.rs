//! Random choices that can be repeated: the seed is printed, and read from `CQRS_SEED`.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Random choices for tests: `SplitMix64`, small, and random enough to choose test cases.
#[derive(Debug)]
pub struct Random {
    seed: u64,
    state: u64,
}

#[allow(clippy::new_without_default, reason = "a default that differs each time would surprise")]
impl Random {
    /// Choices that differ from run to run, unless `CQRS_SEED` is set.
    #[must_use]
    pub fn new() -> Self {
        let given = std::env::var("CQRS_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        Self { seed, state: seed }
    }

    /// How to repeat the choices.
    #[must_use]
    pub fn again(&self) -> String {
        format!("CQRS_SEED={}", self.seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number less than `bound`.
    #[allow(clippy::cast_possible_truncation, reason = "the remainder is less than a usize")]
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound.max(1) as u64) as usize
    }

    /// `true` once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these elements.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

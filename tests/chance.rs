//! Choices that can be made again.

use cqrs_runtime::Uuid;

/// A number from the environment.
///
/// # Panics
/// If the value is none.
#[must_use]
pub fn given(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is to be a number")))
}

/// The seed of this run, which is printed; `CQRS_SEED` says which.
///
/// # Panics
/// If `CQRS_SEED` is no number.
#[must_use]
pub fn seed() -> u64 {
    let seed = given("CQRS_SEED").unwrap_or_else(|| Uuid::now_v7().as_u64_pair().1);
    println!("CQRS_SEED={seed}");
    seed
}

/// xorshift64, from any seed.
pub struct Random(u64);

impl Random {
    /// Choices that a seed makes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds are to differ by much, and none is 0.
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

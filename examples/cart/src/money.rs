//! Amounts of money.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul};

use cqrs_runtime::cqs;

/// An amount in cents, of one currency, and never below zero. `12.99` on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(u64);

#[cqs]
impl Money {
    /// So many cents.
    #[must_use]
    pub const fn from_cents(cents: u64) -> Self {
        Self(cents)
    }

    /// As cents.
    #[query]
    #[must_use]
    pub const fn cents(self) -> u64 {
        self.0
    }

    /// What is left when `percent` of it (at most all) are taken off, rounded down to the cent.
    #[query]
    #[must_use]
    pub fn without_percent(self, percent: u8) -> Self {
        let left = u128::from(100 - percent.min(100));
        // No more than the amount itself, so it fits.
        Self(u64::try_from(u128::from(self.0) * left / 100).unwrap_or(self.0))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Mul<u32> for Money {
    type Output = Self;
    fn mul(self, times: u32) -> Self {
        Self(self.0 * u64::from(times))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:02}", self.0 / 100, self.0 % 100))
    }
}

//! Amounts of money.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul};

use cqrs_runtime::view::{Column, ColumnKind, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An amount in cents, of the one currency that the shop takes. `1299` in JSON, `12.99` on the screen.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many cents.
    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    /// As cents.
    #[must_use]
    pub const fn cents(self) -> i64 {
        self.0
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
        Self(self.0 * i64::from(times))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        f.pad(&format!("{sign}{}.{:02}", cents / 100, cents % 100))
    }
}

impl Column for Money {
    const KIND: ColumnKind = ColumnKind::Integer;
    fn to_value(&self) -> Value {
        Value::Integer(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Money;

    #[test]
    fn is_shown_with_two_decimals() {
        let shown = |cents| Money::from_cents(cents).to_string();
        assert_eq!([shown(1299), shown(5), shown(-5), shown(0)], ["12.99", "0.05", "-0.05", "0.00"]);
        assert_eq!(format!("{:>8}|", Money::from_cents(1299)), "   12.99|");
    }
}

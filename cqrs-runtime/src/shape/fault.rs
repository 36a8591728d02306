//! Why a type could not be read from minimal values.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

/// An error of one pass, and what it teaches.
#[derive(Debug)]
pub(super) enum Fault {
    /// Something was learnt from it: the next pass does better.
    Again,
    /// The type takes none of the values that there are.
    Refused,
    /// A field was not given.
    Missing(&'static str),
    /// A field was given twice, under its name and an alias.
    Twice,
    /// A variant has one of these names.
    Variants(&'static [&'static str]),
    /// A value of another kind is wanted, or another value.
    Other(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(reason) => f.write_str(reason),
            other => write!(f, "{other:?}"),
        }
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Other(expected.to_string())
    }
    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
    fn duplicate_field(_: &'static str) -> Self {
        Self::Twice
    }
    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Variants(expected)
    }
}

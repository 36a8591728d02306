//! Why a type could not be read from minimal values.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

/// An error of one pass, and what was learnt from it.
#[derive(Debug)]
pub(super) enum Fault {
    /// Something was learnt: the next pass gets further.
    Again,
    /// The type accepts none of the values that are tried.
    Refused,
    /// A field was missing.
    Missing(&'static str),
    /// A field was given twice, by its name and by an alias.
    Twice,
    /// The variant must have one of these names.
    Variants(&'static [&'static str]),
    /// A value of another type, or another value, is expected.
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

//! JSON encoding of messages, events and views.

use crate::debug::opaque_debug;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::de::StrRead;

mod finite;

use finite::Finite;

/// A type that serde can write and read, as every event, command, query and view must be. Their derives require it once.
///
/// Deliberately not a supertrait of theirs, nor are serde's traits: otherwise rustc would repeat the error at every use
/// of the type. Generic code that passes a `C: Command` to serde needs the bound `C: Command + Serialize`.
#[diagnostic::on_unimplemented(
    message = "[CQRS111] serde cannot write and read `{Self}`",
    label = "not both `Serialize` and `Deserialize`",
    note = "events and views are stored as JSON, and commands and queries travel as JSON",
    note = "derive `Serialize` and `Deserialize` for `{Self}`",
    note = "see: cqrs_runtime::rules#cqrs111"
)]
pub trait Stored: Serialize + DeserializeOwned + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Stored for T {}

/// A JSON error with its path.
pub type PathError = serde_path_to_error::Error<serde_json::Error>;

/// The start of `serde_json`'s error for JSON that is nested too deep.
const TOO_DEEP: &str = "recursion limit exceeded";

/// Why a value cannot be stored as JSON, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at `{path}`: {reason}")]
pub struct KeepError {
    /// The field, as a path into the JSON. `.` means the whole value.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

impl KeepError {
    /// The error that a written value cannot be read back.
    #[must_use]
    pub fn unreadable(path: String, reason: &str) -> Self {
        let reason =
            format!("the written value cannot be read back ({reason}); make its `Serialize` and `Deserialize` match");
        Self { path, reason }
    }
}

/// The JSON codec of a type.
pub struct Codec<T> {
    /// Like `serde_json::to_string`, but refuses numbers that JSON does not have (NaN, infinities), at any depth.
    pub write: fn(&T) -> Result<String, KeepError>,
    /// Like `serde_json::from_str`.
    pub read: fn(&str) -> serde_json::Result<T>,
    /// The same, with the path of an error. Input after the value is not read.
    pub read_with_path: for<'de> fn(&mut serde_json::Deserializer<StrRead<'de>>) -> Result<T, PathError>,
    /// A hash of the type's shape: the names of its fields and variants, and the types of their values.
    pub shape: fn() -> u64,
    /// What the type's `Deserialize` asks for, one line for each path: see the module `shape`.
    pub facts: fn() -> Vec<String>,
}

opaque_debug!([T] Codec<T>);

impl<T: Stored> Codec<T> {
    /// The codec by serde.
    pub const SERDE: Self = Self {
        write,
        read: |json| serde_json::from_str(json),
        read_with_path: |json| serde_path_to_error::deserialize(json),
        shape: crate::shape::fingerprint::<T>,
        facts: crate::shape::facts::<T>,
    };
}

impl<T> Codec<T> {
    /// Reads a value. If that fails, reads it again to find the path.
    ///
    /// # Errors
    /// The text is not JSON, or not a `T`.
    pub fn read_back(&self, json: &str) -> Result<T, KeepError> {
        (self.read)(json).or_else(|error| {
            let reason = error.to_string();
            if reason.starts_with(TOO_DEEP) {
                // Reading with paths needs more stack per level.
                return Err(KeepError { path: ".".into(), reason });
            }
            (self.read_with_path)(&mut serde_json::Deserializer::from_str(json)).map_err(|error| {
                let path = error.path().to_string();
                KeepError { path, reason: error.into_inner().to_string() }
            })
        })
    }

    /// Writes a value and reads it back. Returns the JSON, and the value that later readers will see.
    ///
    /// # Errors
    /// The value cannot be written, or not read back.
    pub fn keep(&self, value: &T) -> Result<(String, T), KeepError> {
        let json = (self.write)(value)?;
        let unreadable = |KeepError { path, reason }| KeepError::unreadable(path, &reason);
        let kept = self.read_back(&json).map_err(unreadable)?;
        Ok((json, kept))
    }

    /// The codec of a type with a fault. Never called: the program does not compile.
    pub const NONE: Self = Self {
        write: |_| unreachable!("not stored"),
        read: |_| unreachable!("not stored"),
        read_with_path: |_| unreachable!("not stored"),
        shape: || unreachable!("not stored"),
        facts: || unreachable!("not stored"),
    };
}

/// Writes a value. Refuses numbers that JSON does not have, for which `serde_json` writes `null`.
fn write<T: Serialize>(value: &T) -> Result<String, KeepError> {
    let written = match serde_json::to_string(value) {
        Ok(json) if !json.contains("null") => return Ok(json),
        written => written,
    };
    let refused = |path: String, reason: String| KeepError { path, reason };
    serde_path_to_error::serialize(value, Finite)
        .map_err(|error| refused(error.path().to_string(), error.into_inner().to_string()))?;
    written.map_err(|error| refused(".".into(), error.to_string()))
}

/// Whether numbers can be read where serde buffers: in tagged, untagged and flattened types.
#[must_use]
pub fn reads_buffered_numbers() -> bool {
    #[derive(Deserialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        number: f64,
    }
    serde_json::from_str::<Outer>(r#"{"number":0.5}"#).is_ok_and(|outer| outer.inner.number > 0.0)
}

/// Fallback of [`Codec::SERDE`] for a type that serde cannot write and read. The compiler reports the type at its
/// registration.
pub trait FallbackCodec: Sized {
    /// Never called.
    const SERDE: Self;
}

impl<T> FallbackCodec for Codec<T> {
    const SERDE: Self = Self::NONE;
}

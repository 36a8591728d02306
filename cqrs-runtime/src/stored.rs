//! What is written as JSON and read back: messages, events and views.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::de::StrRead;

mod finite;

use finite::Finite;

/// What serde can write and read, as every event, command, query and view must be. Their derives ask for it once.
///
/// It is no supertrait of theirs, and serde's traits are not: each use of the type would be one more place for the error.
/// Generic code that takes a `C: Command` to serde says so, `C: Command + Serialize`.
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

/// What is wrong with JSON, and where in it.
pub type PathError = serde_path_to_error::Error<serde_json::Error>;

/// How `serde_json` begins when it refuses JSON that is nested too deep.
const TOO_DEEP: &str = "recursion limit exceeded";

/// Why a value cannot be kept as JSON, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at `{path}`: {reason}")]
pub struct KeepError {
    /// The field, as a path into the JSON; `.` is all of it.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

impl KeepError {
    /// What was written, and cannot be read.
    pub(crate) fn unreadable(path: String, reason: &str) -> Self {
        let reason = format!(
            "what is written there cannot be read back ({reason}); its `Serialize` and `Deserialize` must fit each other"
        );
        Self { path, reason }
    }
}

/// How a type is written as JSON and read back.
pub struct Json<T> {
    /// As `serde_json::to_string`, but a number that JSON does not have (NaN, an infinity) is refused, wherever it is.
    pub write: fn(&T) -> Result<String, KeepError>,
    /// As `serde_json::from_str`.
    pub read: fn(&str) -> serde_json::Result<T>,
    /// The same, with the path to what is wrong. What follows the value is left unread.
    pub read_with_path: for<'de> fn(&mut serde_json::Deserializer<StrRead<'de>>) -> Result<T, PathError>,
    /// A hash of what the type asks for when it is read: the names of its fields and variants, and the kinds of their values.
    pub shape: fn() -> u64,
}

impl<T: Stored> Json<T> {
    /// By serde.
    pub const OF: Self = Self {
        write,
        read: |json| serde_json::from_str(json),
        read_with_path: |json| serde_path_to_error::deserialize(json),
        shape: crate::shape::fingerprint::<T>,
    };
}

impl<T> Json<T> {
    /// Reads a value; if that fails, once more, to learn where.
    pub(crate) fn read_back(&self, json: &str) -> Result<T, KeepError> {
        (self.read)(json).or_else(|error| {
            let reason = error.to_string();
            if reason.starts_with(TOO_DEEP) {
                // Each level takes more of the stack when its path is kept as well.
                return Err(KeepError { path: ".".into(), reason });
            }
            (self.read_with_path)(&mut serde_json::Deserializer::from_str(json)).map_err(|error| {
                let path = error.path().to_string();
                KeepError { path, reason: error.into_inner().to_string() }
            })
        })
    }

    /// Writes a value and reads it back: what every later reader sees, from now on.
    pub(crate) fn keep(&self, value: &T) -> Result<(String, T), KeepError> {
        let json = (self.write)(value)?;
        let unreadable = |KeepError { path, reason }| KeepError::unreadable(path, &reason);
        let kept = self.read_back(&json).map_err(unreadable)?;
        Ok((json, kept))
    }

    /// Of a type that has a fault. Never called, since that does not compile.
    pub const NONE: Self = Self {
        write: |_| unreachable!("not stored"),
        read: |_| unreachable!("not stored"),
        read_with_path: |_| unreachable!("not stored"),
        shape: || unreachable!("not stored"),
    };
}

/// Writes a value, unless it has a number that JSON does not have: `serde_json` writes `null` for one.
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
pub(crate) fn reads_buffered_numbers() -> bool {
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

/// [`Json::OF`] for a type that serde cannot write and read, of which the compiler has told at its registration.
pub trait NoJson: Sized {
    /// Nothing that is ever called.
    const OF: Self;
}

impl<T> NoJson for Json<T> {
    const OF: Self = Self::NONE;
}

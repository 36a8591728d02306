//! What is written as JSON and read back: messages, events and views.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::de::StrRead;

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

/// How a type is written as JSON and read back.
pub struct Json<T> {
    /// As `serde_json::to_string`.
    pub write: fn(&T) -> serde_json::Result<String>,
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
        write: |value| serde_json::to_string(value),
        read: |json| serde_json::from_str(json),
        read_with_path: |json| serde_path_to_error::deserialize(json),
        shape: crate::shape::fingerprint::<T>,
    };
}

impl<T> Json<T> {
    /// Of a type that has a fault. Never called, since that does not compile.
    pub const NONE: Self = Self {
        write: |_| unreachable!("not stored"),
        read: |_| unreachable!("not stored"),
        read_with_path: |_| unreachable!("not stored"),
        shape: || unreachable!("not stored"),
    };
}

/// [`Json::OF`] for a type that serde cannot write and read, of which the compiler has told at its registration.
pub trait NoJson: Sized {
    /// Nothing that is ever called.
    const OF: Self;
}

impl<T> NoJson for Json<T> {
    const OF: Self = Self::NONE;
}

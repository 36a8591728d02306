//! An error of a service that has no value of its own in this process.

use std::fmt;

use serde_json::{Map, Value};

/// An error that a service answered with, or that its answer could not be understood.
///
/// It is what a [`Client`](crate::client::Client) has where the local buses have a value that does not travel: a domain error with a
/// cause, say, or a stored history that cannot be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteError {
    /// The kind of error, one word that never changes: see [`WireError::kind`](crate::wire::WireError::kind).
    pub kind: String,
    /// The domain's code of a refusal: see `#[derive(DomainError)]`. Otherwise the same as `kind`.
    pub code: String,
    /// What went wrong, and what to do.
    pub message: String,
    /// What else the service says about it: the fields of a domain error, for example.
    pub members: Map<String, Value>,
}

impl RemoteError {
    /// An error of a kind, with the kind as its code.
    #[must_use]
    pub fn new(kind: &str, message: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), code: kind.to_owned(), message: message.into(), members: Map::new() }
    }

    /// Sets the domain's code and the members.
    #[must_use]
    pub fn with_code(self, code: String, members: Map<String, Value>) -> Self {
        Self { code, members, ..self }
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RemoteError {}

//! Why a message from the wire failed.

use crate::model::error::UnknownName;

/// Why a message from the wire failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// No command or query with that name is registered.
    #[error("{0}")]
    Unknown(UnknownName),
    /// The JSON does not match the message's type.
    #[error("`{}` cannot be read: {}", .0.name, .0.reason)]
    Malformed(MalformedMessage),
    /// The message is longer than the app accepts.
    #[error("the message has {0} bytes, but this app accepts at most {1}")]
    TooLarge(usize, usize),
    /// The command was refused or failed.
    #[error("{message}")]
    Command {
        /// The kind of [`CommandError`](crate::CommandError).
        kind: &'static str,
        /// The variant or type name of a domain error. For other errors the same as `kind`.
        code: String,
        /// The error's text.
        message: String,
    },
    /// The query failed.
    #[error("{message}")]
    Query {
        /// The kind of [`QueryError`](crate::QueryError).
        kind: &'static str,
        /// The error's text.
        message: String,
    },
}

impl WireError {
    /// The kind of error, one word that never changes.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Unknown(_) => "Unknown",
            Self::Malformed(_) => "Malformed",
            Self::TooLarge(..) => "TooLarge",
            Self::Command { kind, .. } | Self::Query { kind, .. } => kind,
        }
    }

    /// The domain's name of the refusal, if it is one; otherwise the same as [`kind`](Self::kind).
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Command { code, .. } => code,
            _ => self.kind(),
        }
    }
}

/// A message whose JSON does not match its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedMessage {
    /// The message's name.
    pub name: &'static str,
    /// What is wrong, with the field's path, line and column.
    pub reason: String,
}

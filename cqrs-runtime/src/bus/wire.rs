//! The wire: messages by name and JSON, for transports without types.

use crate::bus::command::CommandBus;
use crate::bus::query::QueryBus;
use crate::core::json::Json;
use crate::core::log::BoxFuture;
use crate::model::error::{CommandError, QueryError};
pub use crate::model::error::{Named, UnknownName};
use crate::model::message::{Answer, Command, DomainError};
use crate::model::outcome::{Answered, Handled};
use crate::model::receipt::Receipt;

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
        /// The kind of [`CommandError`].
        kind: &'static str,
        /// The variant or type name of a domain error. For other errors the same as `kind`.
        code: String,
        /// The error's text.
        message: String,
    },
    /// The query failed.
    #[error("{message}")]
    Query {
        /// The kind of [`QueryError`].
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

/// Runs a command's handler by its JSON.
pub(crate) type WireCommand =
    fn(CommandBus, Box<str>) -> BoxFuture<'static, Result<Receipt<serde_json::Value>, WireError>>;

/// Runs a query's handler by its JSON.
pub(crate) type WireAnswer = fn(QueryBus, Box<str>) -> BoxFuture<'static, Result<serde_json::Value, WireError>>;

pub(crate) fn command<C: Handled<H>, H: 'static>(
    bus: CommandBus,
    data: Box<str>,
) -> BoxFuture<'static, Result<Receipt<serde_json::Value>, WireError>> {
    Box::pin(async move {
        let command: C = decode(&C::JSON, C::NAME, &data)?;
        let receipt = bus.execute_handled::<C, H>(command).await.map_err(|error| refused::<C>(&error))?;
        let returned = serde_json::to_value(&receipt.returned).unwrap_or_default();
        Ok(Receipt { position: receipt.position, events: receipt.events, returned, repeated: receipt.repeated })
    })
}

pub(crate) fn query<Q: Answered<H>, H: 'static>(
    bus: QueryBus,
    data: Box<str>,
) -> BoxFuture<'static, Result<serde_json::Value, WireError>> {
    Box::pin(async move {
        let query: Q = decode(&Q::JSON, Q::NAME, &data)?;
        let answer = bus.ask_checked::<Q, H>(query).await.map_err(|error| unanswered(&error))?;
        answer.to_json().map_err(|error| unanswered(&QueryError::failed(error)))
    })
}

fn refused<C: Command>(error: &CommandError<C::Error>) -> WireError {
    let kind = error.kind();
    let code = match error {
        CommandError::Rejected(domain) => {
            let debug = format!("{:?}", domain.as_error());
            let name = debug.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            if name.is_empty() { kind.to_owned() } else { name.to_owned() }
        }
        _ => kind.to_owned(),
    };
    WireError::Command { kind, code, message: error.to_string() }
}

fn unanswered(error: &QueryError) -> WireError {
    WireError::Query { kind: error.kind(), message: error.to_string() }
}

fn decode<T>(json: &Json<T>, name: &'static str, data: &str) -> Result<T, WireError> {
    let read = json.read_with_path;
    let malformed = |reason| WireError::Malformed(MalformedMessage { name, reason });
    let mut json = serde_json::Deserializer::from_str(data);
    let message = read(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // `.` is the whole message, and `?` is a position that was not reached, for example because the text
        // ends early.
        malformed(if path == "." || path == "?" {
            error.into_inner().to_string()
        } else {
            format!("{path}: {}", error.into_inner())
        })
    })?;
    json.end().map_err(|error| malformed(error.to_string()))?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_text_and_deep_nesting_are_refused_with_their_place() {
        let error = decode::<u8>(&Json::OF, "N", "1 2").unwrap_err().to_string();
        assert!(error.contains("trailing characters at line 1 column 3"), "{error}");
        let deep = "[".repeat(100_000);
        let error = decode::<serde_json::Value>(&Json::OF, "N", &deep).unwrap_err().to_string();
        assert!(error.contains("recursion limit"), "{error}");
    }
}

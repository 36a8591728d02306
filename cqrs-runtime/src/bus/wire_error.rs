//! Why a message from the wire failed.

use crate::model::error::{
    CommandError, Conflict, DomainError, Entity, IdReused, NotBuilt, NotYet, OtherCursor, QueryError, UnknownName,
};
use crate::model::rejection::Rejection;
use cqrs_core::store_error::StoreError;

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
        /// The code of a domain error: see [`Rejection`]. For other errors the same as `kind`.
        code: String,
        /// The error's text.
        message: String,
        /// What the error names.
        details: Details,
    },
    /// The query failed.
    #[error("{message}")]
    Query {
        /// The kind of [`QueryError`](crate::QueryError).
        kind: &'static str,
        /// The error's text.
        message: String,
        /// What the error names.
        details: Details,
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
            Self::Query { details: Details::Rejection(rejection), .. } => &rejection.code,
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
    /// The field, as a path into the JSON. Empty if it is the whole message.
    pub path: String,
}

/// What the error of a command or query names, for callers without types.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// Nothing but its text.
    None,
    /// The aggregate that was not found, or that exists already.
    Entity(Entity),
    /// The domain's error. Of a query: an error that derives `DomainError`, wrapped in [`QueryError::Failed`].
    Rejection(Box<Rejection>),
    /// The view that has not reached the requested position.
    NotYet(NotYet),
    /// The view that is not built yet.
    NotBuilt(NotBuilt),
    /// The position at which a workflow's aggregates were loaded.
    Conflict(Conflict),
    /// The command that was executed with the id before.
    IdReused(Box<IdReused>),
    /// The store did not confirm the commit: the command may have taken effect.
    OutcomeUnknown,
    /// The view whose cursor is of another search.
    OtherCursor(OtherCursor),
}

impl<E: DomainError> From<CommandError<E>> for WireError {
    fn from(error: CommandError<E>) -> Self {
        let (kind, message) = (error.kind(), error.to_string());
        let details = match error {
            CommandError::Rejected(domain) => Details::Rejection(Box::new(Rejection::of_domain(&domain))),
            CommandError::NotFound(entity) | CommandError::AlreadyExists(entity) => Details::Entity(entity),
            CommandError::Middleware(error) => rejection_in(&*error),
            CommandError::Conflict(conflict) => Details::Conflict(conflict),
            CommandError::IdReused(reused) => Details::IdReused(Box::new(reused)),
            CommandError::Unavailable(StoreError::Unknown { .. }) => Details::OutcomeUnknown,
            _ => Details::None,
        };
        let code = match &details {
            Details::Rejection(rejection) => rejection.code.clone(),
            _ => kind.to_owned(),
        };
        Self::Command { kind, code, message, details }
    }
}

impl From<QueryError> for WireError {
    fn from(error: QueryError) -> Self {
        let (kind, message) = (error.kind(), error.to_string());
        let details = match error {
            QueryError::Failed(error) | QueryError::Middleware(error) => rejection_in(&*error),
            QueryError::NotYet(not_yet) => Details::NotYet(not_yet),
            QueryError::NotBuilt(not_built) => Details::NotBuilt(not_built),
            QueryError::OtherCursor(other) => Details::OtherCursor(other),
            _ => Details::None,
        };
        Self::Query { kind, message, details }
    }
}

fn rejection_in(error: &(dyn std::error::Error + 'static)) -> Details {
    Rejection::of(error).map_or(Details::None, |rejection| Details::Rejection(Box::new(rejection)))
}

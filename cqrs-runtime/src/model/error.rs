//! The errors of commands, queries and operators' calls.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::model::aggregate::FoldError;
use crate::model::remote_error::RemoteError;
use cqrs_core::event::EncodeError;
use cqrs_core::meta::CommandId;
use cqrs_core::position::Position;
use cqrs_core::store_error::StoreError;
use cqrs_core::time::Timestamp;

/// The domain's error that refuses a command: any error that callers, logs and HTTP can carry.
///
/// `Error` is not its supertrait, so that a type without it gives one error, with this text.
#[diagnostic::on_unimplemented(
    message = "[CQRS109] `{Self}` cannot be a command's error",
    label = "not `std::error::Error + Send + Sync + 'static`",
    note = "callers, logs and HTTP answers carry the error",
    note = "implement `std::error::Error` for it, by hand or with a derive",
    note = "see: cqrs_runtime::rules#cqrs109"
)]
pub trait DomainError: Send + Sync + 'static {
    /// The error as a trait object.
    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static);
}
#[diagnostic::do_not_recommend]
impl<E: Error + Send + Sync + 'static> DomainError for E {
    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }
}

/// Why a command took no effect. Nothing of the command was stored, except where
/// [`Unavailable`](Self::Unavailable) says that the commit outcome is unknown.
#[non_exhaustive]
pub enum CommandError<E> {
    /// The handler returned this error of the domain.
    Rejected(E),
    /// A parameter `&A` names an aggregate without events.
    NotFound(Entity),
    /// A parameter `Absent<A>` names an aggregate that exists.
    AlreadyExists(Entity),
    /// The data that a workflow read has changed. Retry the command, or mark its handler `#[command(retry)]`.
    Conflict(Conflict),
    /// The command id was already used for another command, or for one with other content.
    IdReused(IdReused),
    /// The stored history of an aggregate cannot be folded, or its aggregate refuses an event that the handler emitted.
    Corrupt(Box<Corrupt>),
    /// The handler panicked. Other commands are not affected.
    Panicked(Panicked),
    /// An event that the handler emitted cannot be encoded, or cannot be read back.
    Encode(EncodeError),
    /// The store cannot be reached, has failed, or did not confirm the commit.
    Unavailable(StoreError),
    /// The deadline passed before the command was started. It had no effect, and will have none.
    TimedOut,
    /// A middleware refused the command.
    Middleware(Box<dyn Error + Send + Sync>),
    /// The app is shutting down.
    ShutDown,
    /// A service answered with an error that no other variant stands for. Only a [`Client`](crate::client::Client) returns it.
    Remote(Box<RemoteError>),
}

impl<E: DomainError> fmt::Display for CommandError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(error) => fmt::Display::fmt(error.as_error(), f),
            Self::NotFound(entity) => write!(f, "{entity} not found"),
            Self::AlreadyExists(entity) => write!(f, "{entity} already exists"),
            Self::Conflict(_) => f.write_str("conflict: the data this command read has changed; retry the command"),
            Self::IdReused(reused) => fmt::Display::fmt(reused, f),
            Self::Corrupt(corrupt) => {
                write!(f, "the history of {} cannot be folded: {}", corrupt.entity, corrupt.error)
            }
            Self::Panicked(Panicked { command, message }) => {
                write!(f, "the handler of `{command}` panicked: {message}")
            }
            Self::Encode(error) => fmt::Display::fmt(error, f),
            Self::Unavailable(error) => fmt::Display::fmt(error, f),
            Self::Middleware(error) => write!(f, "refused by a middleware: {error}"),
            Self::TimedOut => f.write_str(
                "the command was not started within its deadline and had no effect; retry it, or allow it more time",
            ),
            Self::ShutDown => f.write_str("the app is shutting down"),
            Self::Remote(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl<E: DomainError> fmt::Debug for CommandError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail: &dyn fmt::Debug = match self {
            Self::Rejected(error) => &error.as_error(),
            Self::NotFound(entity) | Self::AlreadyExists(entity) => entity,
            Self::Conflict(conflict) => conflict,
            Self::IdReused(reused) => reused,
            Self::Corrupt(corrupt) => corrupt,
            Self::Panicked(panicked) => panicked,
            Self::Encode(error) => error,
            Self::Unavailable(error) => error,
            Self::Middleware(error) => error,
            Self::Remote(error) => error,
            Self::TimedOut | Self::ShutDown => return f.write_str(self.kind()),
        };
        f.debug_tuple(self.kind()).field(detail).finish()
    }
}

impl<E: DomainError> Error for CommandError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(error) => error.as_error().source(),
            Self::Encode(error) => error.source(),
            Self::Unavailable(error) => error.source(),
            Self::Middleware(error) => Some(&**error),
            Self::Remote(error) => Some(&**error),
            _ => None,
        }
    }
}

impl<E> CommandError<E> {
    /// The domain's error, if the domain refused.
    pub fn rejection(&self) -> Option<&E> {
        match self {
            Self::Rejected(error) => Some(error),
            _ => None,
        }
    }

    /// Maps the domain's error.
    pub fn map<F>(self, change: impl FnOnce(E) -> F) -> CommandError<F> {
        match self {
            Self::Rejected(error) => CommandError::Rejected(change(error)),
            Self::NotFound(entity) => CommandError::NotFound(entity),
            Self::AlreadyExists(entity) => CommandError::AlreadyExists(entity),
            Self::Conflict(conflict) => CommandError::Conflict(conflict),
            Self::IdReused(reused) => CommandError::IdReused(reused),
            Self::Corrupt(corrupt) => CommandError::Corrupt(corrupt),
            Self::Panicked(panicked) => CommandError::Panicked(panicked),
            Self::Encode(error) => CommandError::Encode(error),
            Self::Unavailable(error) => CommandError::Unavailable(error),
            Self::Middleware(error) => CommandError::Middleware(error),
            Self::TimedOut => CommandError::TimedOut,
            Self::ShutDown => CommandError::ShutDown,
            Self::Remote(error) => CommandError::Remote(error),
        }
    }

    /// The kind of error, one word that never changes: for metrics, HTTP answers and summaries.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "Rejected",
            Self::NotFound(_) => "NotFound",
            Self::AlreadyExists(_) => "AlreadyExists",
            Self::Conflict(_) => "Conflict",
            Self::IdReused(_) => "IdReused",
            Self::Corrupt(_) => "Corrupt",
            Self::Panicked(_) => "Panicked",
            Self::Encode(_) => "Encode",
            Self::Unavailable(_) => "Unavailable",
            Self::Middleware(_) => "Middleware",
            Self::TimedOut => "TimedOut",
            Self::ShutDown => "ShutDown",
            Self::Remote(_) => "Remote",
        }
    }
}

/// An aggregate with an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// The aggregate's name.
    pub aggregate: &'static str,
    /// Its id.
    pub id: String,
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.aggregate, self.id)
    }
}

/// The conflict of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The position at which the workflow's aggregates were loaded.
    pub loaded_at: Position,
}

/// A command id that was used for two different commands, by name or content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdReused {
    /// The id.
    pub id: CommandId,
    /// The name of the first command.
    pub first: String,
    /// When the first command was recorded.
    pub recorded_at: Timestamp,
    /// The position of the first command's last event. If it emitted none, the log's head at that time.
    pub position: Position,
    /// The name of the refused command. If it is the same name, the content differs.
    pub second: String,
}

impl fmt::Display for IdReused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, first, recorded_at, position, second } = self;
        let other = if first == second { " with other content" } else { "" };
        write!(
            f,
            "command `{second}` refused: its command id `{id}` was already used for `{first}`{other} (recorded at {recorded_at}, \
             position {position}); send it with a new id"
        )
    }
}

/// An aggregate history that cannot be folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrupt {
    /// The aggregate.
    pub entity: Entity,
    /// The event and what is wrong with it.
    pub error: FoldError,
}

/// A handler that panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    /// The command.
    pub command: &'static str,
    /// The panic's message.
    pub message: String,
}

/// Why an aggregate parameter could not be passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `&A`, but the aggregate has no events.
    NotFound(Entity),
    /// `Absent<A>`, but the aggregate exists.
    AlreadyExists(Entity),
}

impl<E> From<Refusal> for CommandError<E> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(entity) => Self::NotFound(entity),
            Refusal::AlreadyExists(entity) => Self::AlreadyExists(entity),
        }
    }
}

impl<E> From<StoreError> for CommandError<E> {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error)
    }
}

/// Why a query was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The handler returned this error.
    #[error("{0}")]
    Failed(Box<dyn Error + Send + Sync>),
    /// The read model had not reached the requested position in time. The command that was waited for has
    /// taken effect.
    #[error("timed out waiting for view `{}`: at position {}, need {}", .0.view, .0.reached, .0.wanted)]
    NotYet(NotYet),
    /// The query reads its caller's own writes, and came over the wire without a position.
    #[error("query `{0}` needs a position: call `.after(receipt.position())`")]
    NoPosition(&'static str),
    /// The view is being built from the log for the first time with this program's shape, and its rows are incomplete. Other
    /// versions of the program read separate rows. The same applies to tables that an async projection fills, for `Reader<Db>`.
    #[error(
        "view `{}` is not built yet: it is at position {} of {}; retry later or use `.after(..)`",
        .0.view, .0.position, .0.of
    )]
    NotBuilt(NotBuilt),
    /// The store cannot be reached, or failed.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
    /// A stored view does not match its type.
    #[error("stored view `{}` of key `{}` does not match its type: {}", .0.view, .0.key, .0.reason)]
    Malformed(MalformedView),
    /// The query was given the cursor of another search.
    #[error("the cursor is not of this search of view `{}`, which has another order; start at the first page", .0.view)]
    OtherCursor(OtherCursor),
    /// A middleware refused the query.
    #[error("refused by a middleware: {0}")]
    Middleware(Box<dyn Error + Send + Sync>),
    /// A service answered with an error that no other variant stands for. Only a [`Client`](crate::client::Client) returns it.
    #[error("{0}")]
    Remote(Box<RemoteError>),
}

impl QueryError {
    /// The kind of error, one word that never changes: for metrics and HTTP answers.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Failed(_) => "Failed",
            Self::NotYet(_) => "NotYet",
            Self::NotBuilt(_) => "NotBuilt",
            Self::NoPosition(_) => "NoPosition",
            Self::Unavailable(_) => "Unavailable",
            Self::Malformed(_) => "Malformed",
            Self::OtherCursor(_) => "OtherCursor",
            Self::Middleware(_) => "Middleware",
            Self::Remote(_) => "Remote",
        }
    }

    /// Wraps an error of the handler.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

/// A view that has not reached the requested position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYet {
    /// The view.
    pub view: &'static str,
    /// The position that it has reached.
    pub reached: Position,
    /// The position that was requested.
    pub wanted: Position,
}

/// A view that is being built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBuilt {
    /// The view. The projection, if it fills tables.
    pub view: &'static str,
    /// The position up to which its rows contain the events.
    pub position: Position,
    /// The position at which it is built: the log's head when the build began (level 2), or the current head
    /// (level 1).
    pub of: Position,
}

/// A cursor of another search: see [`Find::page`](crate::view::Find::page).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherCursor {
    /// The view that was searched.
    pub view: &'static str,
}

/// A stored view that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedView {
    /// The view.
    pub view: &'static str,
    /// Its key.
    pub key: String,
    /// The error.
    pub reason: String,
}

/// Why an operator's call ([`App::retry`](crate::App::retry), [`App::rebuild`](crate::App::rebuild), ..) failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// This app has no projection or policy with that name.
    #[error("{0}")]
    Unknown(UnknownName),
    /// The key is not parked.
    #[error("key `{key}` of projection `{projection}` is not parked; `App::parked` lists the parked keys")]
    NotParked {
        /// The projection.
        projection: String,
        /// The key.
        key: String,
    },
    /// The parked event has no key, so later events of its key were not held back.
    #[error(
        "cannot retry projection `{projection}`: the event at position {position}, where it is parked, has no key, \
         so later events of that key were not held back; rebuild the projection, or skip the event"
    )]
    NoKey {
        /// The projection.
        projection: String,
        /// The event's position.
        position: Position,
    },
    /// The event failed again.
    #[error("projection `{projection}` failed again and is parked again; `App::parked` lists the event and the error")]
    ParkedAgain {
        /// The projection.
        projection: String,
    },
    /// The projection is paused in this process.
    #[error("projection `{projection}` is paused; resume it first")]
    Paused {
        /// The projection.
        projection: String,
    },
    /// The projection is folded with each command (level 1), and cannot be paused.
    #[error("projection `{projection}` cannot be paused: it is folded with each command (level 1)")]
    Inline {
        /// The projection.
        projection: String,
    },
    /// Another process holds the projection's lease, and did not release it.
    #[error(
        "another process runs projection `{projection}` and did not release it within {waited:?}: the projection is paused there, or \
         busy with another operator's call; resume it there, or retry later"
    )]
    NotHandedOver {
        /// The projection, or several that look-ups connect.
        projection: String,
        /// How long the call waited.
        waited: Duration,
    },
    /// Another process acquired the projection's lease during the call. Nothing was changed.
    #[error("another process has acquired the lease of projection `{projection}`; retry")]
    TakenOver {
        /// The projection, or several that look-ups connect.
        projection: String,
    },
    /// A rebuild has begun and makes no progress. It continues as soon as a process can run it.
    #[error(
        "the rebuild of projection `{projection}` has stayed at position {position} for {waited:?}: the process that runs the \
         projection hangs, has paused it, or cannot reach its store; check `App::health` there (the rebuild then continues automatically)"
    )]
    Stalled {
        /// The projection, or several that look-ups connect.
        projection: String,
        /// The position of the last event in the new rows.
        position: Position,
        /// How long the rebuild has been there.
        waited: Duration,
    },
    /// Other processes run the projection in a way that this one cannot change.
    #[error("projection `{projection}` cannot be changed by this process: {reason}")]
    Elsewhere {
        /// The projection, or several that look-ups connect.
        projection: String,
        /// What differs there, and how long this lasts.
        reason: String,
    },
    /// The app's policies run in other processes, so this one does not know when they are done.
    #[error("this process does not run the policies and cannot know when they are done; call a process that runs them")]
    NoPolicies,
    /// A policy cannot be resumed after that position, or is not stopped.
    #[error("policy `{policy}` not resumed: {reason}")]
    NotResumed {
        /// The policy.
        policy: String,
        /// The reason.
        reason: String,
    },
    /// A view has not processed the log within a minute.
    #[error("view `{}` is not up to date: at position {}, need {}", .0.view, .0.reached, .0.wanted)]
    Behind(NotYet),
    /// A policy has stopped before it was done.
    #[error("policy `{policy}` has stopped: {error}")]
    PolicyStopped {
        /// The policy.
        policy: String,
        /// The reason.
        error: String,
    },
    /// The app is shutting down.
    #[error("the app is shutting down")]
    ShutDown,
    /// A store cannot be reached, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OperationError {
    /// The kind of error, one word that never changes: for metrics, HTTP answers and exit codes.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "Unknown",
            Self::NotParked { .. } => "NotParked",
            Self::NoKey { .. } => "NoKey",
            Self::ParkedAgain { .. } => "ParkedAgain",
            Self::Paused { .. } => "Paused",
            Self::Inline { .. } => "Inline",
            Self::NotHandedOver { .. } => "NotHandedOver",
            Self::TakenOver { .. } => "TakenOver",
            Self::Stalled { .. } => "Stalled",
            Self::Elsewhere { .. } => "Elsewhere",
            Self::NoPolicies => "NoPolicies",
            Self::NotResumed { .. } => "NotResumed",
            Self::Behind(_) => "Behind",
            Self::PolicyStopped { .. } => "PolicyStopped",
            Self::ShutDown => "ShutDown",
            Self::Store(_) => "Store",
        }
    }
}

/// The kind of thing that a name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Named {
    /// A command.
    Command,
    /// A query.
    Query,
    /// A projection.
    Projection,
    /// A policy.
    Policy,
}

/// One word that never changes: `command`, `query`, `projection`, `policy`.
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Command => "command",
            Self::Query => "query",
            Self::Projection => "projection",
            Self::Policy => "policy",
        })
    }
}

/// A name that this app does not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// The kind of thing that was looked for.
    pub what: Named,
    /// The name.
    pub name: String,
    /// The names of that kind that it serves.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, name, known } = self;
        write!(f, "there is no {what} `{name}`")?;
        let name_in_lower_case = name.to_lowercase();
        let distance = |known: &str| strsim::levenshtein(&known.to_lowercase(), &name_in_lower_case);
        let near = known.iter().map(|known| (distance(known), known)).min();
        match near {
            Some((distance, near)) if distance <= 1 + name.chars().count() / 3 => write!(f, "; did you mean `{near}`?"),
            Some(_) => write!(f, "; known: {}", known.join(", ")),
            None => write!(f, "; this program has none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_gets_the_nearest_and_a_strange_one_the_list() {
        let unknown = |name: &str| {
            UnknownName { what: Named::Command, name: name.into(), known: vec!["CreateOrder", "ShipOrder"] }.to_string()
        };
        assert_eq!(unknown("createordr"), "there is no command `createordr`; did you mean `CreateOrder`?");
        assert_eq!(unknown("Fly"), "there is no command `Fly`; known: CreateOrder, ShipOrder");
    }
}

//! Why a command, a query or an operator's call did not succeed.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::aggregate::FoldError;
use crate::event::EncodeError;
use crate::log::{Position, StoreError};
use crate::message::DomainError;
use crate::meta::CommandId;
use crate::time::Timestamp;

/// Why a command took no effect. Whatever it says, nothing of the command was stored, except where
/// [`Unavailable`](Self::Unavailable) says that the answer was lost.
#[non_exhaustive]
pub enum CommandError<E> {
    /// The domain refuses it: the handler returned this error.
    Rejected(E),
    /// A parameter `&A` names an aggregate that has no events.
    NotFound(Entity),
    /// A parameter `Absent<A>` names an aggregate that is there.
    AlreadyExists(Entity),
    /// What a workflow decided on has changed meanwhile. It may be sent again, or marked `#[command(retry)]`.
    Conflict(Conflict),
    /// The command id was used before, for another command or for one with other content.
    IdReused(IdReused),
    /// The stored history of an aggregate cannot be folded, or the handler stated events that its own aggregate refuses.
    Corrupt(Box<Corrupt>),
    /// The handler panicked. Other commands are not touched.
    Panicked(Panicked),
    /// An event that the handler stated cannot be written, or what was written cannot be read back.
    Encode(EncodeError),
    /// The store cannot be reached, failed, or lost its answer.
    Unavailable(StoreError),
    /// Its deadline passed before it was started. Nothing was done, and nothing will be.
    TimedOut,
    /// A middleware refused it.
    Middleware(Box<dyn Error + Send + Sync>),
    /// The app is shutting down.
    ShutDown,
}

impl<E: DomainError> fmt::Display for CommandError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(error) => fmt::Display::fmt(error.as_error(), f),
            Self::NotFound(entity) => write!(f, "there is no {entity}"),
            Self::AlreadyExists(entity) => write!(f, "there is a {entity} already"),
            Self::Conflict(_) => f.write_str("what the command was decided on has changed meanwhile: send it again"),
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
                "the command was not started within its deadline, and had no effect: send it again, or allow it more time",
            ),
            Self::ShutDown => f.write_str("the app is shutting down"),
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
            _ => None,
        }
    }
}

impl<E> CommandError<E> {
    /// The domain's own error, if it was the domain that refused.
    pub fn rejection(&self) -> Option<&E> {
        match self {
            Self::Rejected(error) => Some(error),
            _ => None,
        }
    }

    /// The same error, with the domain's own changed by `change`.
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
        }
    }

    /// What kind of failure it is, in one word that does not change: for metrics, HTTP answers and summaries.
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
        }
    }
}

/// An aggregate of one id.
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

/// Where the boundary of a workflow was when it was decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The position that the workflow's aggregates were loaded at.
    pub loaded_at: Position,
}

/// A command id that was given twice, to different commands: by name, or by content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdReused {
    /// The id.
    pub id: CommandId,
    /// The name of the command that had it first.
    pub first: String,
    /// When that one was recorded.
    pub recorded_at: Timestamp,
    /// The position of its last event, or of the log's end when it was recorded.
    pub position: Position,
    /// The name of the command that is refused. Where it is the same, the content is another one.
    pub second: String,
}

impl fmt::Display for IdReused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, first, recorded_at, position, second } = self;
        let other = if first == second { " with other content" } else { "" };
        write!(
            f,
            "`{second}` is refused: its command id `{id}` was used before, for `{first}`{other} (recorded at {recorded_at}, \
             position {position}), and an id belongs to one command; send this one with an id of its own"
        )
    }
}

/// A history that cannot be folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrupt {
    /// Whose history.
    pub entity: Entity,
    /// The event and what is wrong with it.
    pub error: FoldError,
}

/// A handler that panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    /// The command.
    pub command: &'static str,
    /// What the panic said.
    pub message: String,
}

/// An aggregate parameter that could not be satisfied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `&A` of one that is not there.
    NotFound(Entity),
    /// `Absent<A>` of one that is there.
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
    /// What the handler itself returned.
    #[error("{0}")]
    Failed(Box<dyn Error + Send + Sync>),
    /// The read model had not reached the position asked for when the time was up. The command that was waited for has
    /// taken effect all the same.
    #[error("view `{}` stands at position {}, and had not reached {} when the time was up", .0.view, .0.reached, .0.wanted)]
    NotYet(NotYet),
    /// The query reads its caller's own writes, and came by the wire without the position that they go up to.
    #[error("query `{0}` reads its caller's own writes: ask it after the position that its receipt told")]
    NoPosition(&'static str),
    /// The view is being built from the log for the first time, as this program folds it: its rows tell only a part. Another
    /// version of the program reads rows of its own. The same of the tables that an async projection fills, for `Reader<Db>`.
    #[error(
        "view `{}` is not built yet: it is at position {} of {}; retry later or use `.after(..)`",
        .0.view, .0.position, .0.of
    )]
    NotBuilt(NotBuilt),
    /// The store cannot be reached, or failed.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
    /// A stored view does not fit its type.
    #[error("stored view `{}` of key `{}` does not fit its type: {}", .0.view, .0.key, .0.reason)]
    Malformed(MalformedView),
    /// A middleware refused it.
    #[error("refused by a middleware: {0}")]
    Middleware(Box<dyn Error + Send + Sync>),
}

impl QueryError {
    /// What kind of failure it is, in one word that does not change: for metrics and HTTP answers.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Failed(_) => "Failed",
            Self::NotYet(_) => "NotYet",
            Self::NotBuilt(_) => "NotBuilt",
            Self::NoPosition(_) => "NoPosition",
            Self::Unavailable(_) => "Unavailable",
            Self::Malformed(_) => "Malformed",
            Self::Middleware(_) => "Middleware",
        }
    }

    /// Wraps any error of the handler's own.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

/// A view that lags behind what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYet {
    /// The view.
    pub view: &'static str,
    /// Where it stands.
    pub reached: Position,
    /// Where it should stand.
    pub wanted: Position,
}

/// A view that is being built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBuilt {
    /// The view; the projection, where it fills tables.
    pub view: &'static str,
    /// The events up to here are in its rows.
    pub position: Position,
    /// It answers when it is there: where the log's head was when it was begun (level 2), or is (level 1).
    pub of: Position,
}

/// A stored view that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedView {
    /// The view.
    pub view: &'static str,
    /// Its key.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

/// Why an operator's call ([`App::retry`](crate::App::retry), [`App::rebuild`](crate::App::rebuild), ..) did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// This app has no projection or policy of that name.
    #[error("{0}")]
    Unknown(UnknownName),
    /// The key is not parked.
    #[error("key `{key}` of projection `{projection}` is not parked: `App::parked` lists the keys that are")]
    NotParked {
        /// The projection.
        projection: String,
        /// The key.
        key: String,
    },
    /// The parked event names no key, so that later events of its key were not held back.
    #[error(
        "the event at position {position}, at which projection `{projection}` is parked, did not say which key it is about, \
         so that later events of that key were not held back: rebuild the projection, or skip the event"
    )]
    NoKey {
        /// The projection.
        projection: String,
        /// Where the event is.
        position: Position,
    },
    /// The event failed again.
    #[error("projection `{projection}` is parked again: see `App::parked` for the event and the error")]
    ParkedAgain {
        /// The projection.
        projection: String,
    },
    /// The projection is paused in this process.
    #[error("projection `{projection}` is paused: resume it first")]
    Paused {
        /// The projection.
        projection: String,
    },
    /// The projection is folded with each command (level 1), so that it cannot be paused.
    #[error("projection `{projection}` is folded with each command (level 1): it cannot be paused")]
    Inline {
        /// The projection.
        projection: String,
    },
    /// Another process runs the projection, and did not hand it over.
    #[error(
        "another process runs projection `{projection}`, and has not handed it over within {waited:?}: it has paused it, or is \
         at work on it for another operator; resume it there, or try again later"
    )]
    NotHandedOver {
        /// The projection, or those that are connected with it by look-ups.
        projection: String,
        /// How long was waited.
        waited: Duration,
    },
    /// Another process acquired the projection's lease before it was done. Nothing was changed.
    #[error("another process has acquired the lease of projection `{projection}`: try again")]
    TakenOver {
        /// The projection, or those that are connected with it by look-ups.
        projection: String,
    },
    /// A rebuild that was begun does not get on. It goes on as soon as a process can.
    #[error(
        "the rebuild of projection `{projection}` was begun, and has stayed at position {position} for {waited:?}: the process that \
         runs the projection hangs, has paused it, or cannot reach its store; see `App::health` there. It goes on when that is fixed"
    )]
    Stalled {
        /// The projection, or those that are connected with it by look-ups.
        projection: String,
        /// The last event that is in the new rows.
        position: Position,
        /// For how long.
        waited: Duration,
    },
    /// Other processes run the projection in a way that this one cannot change.
    #[error("projection `{projection}` is run by other processes: {reason}")]
    Elsewhere {
        /// The projection, or those that are connected with it by look-ups.
        projection: String,
        /// What they do otherwise, and until when.
        reason: String,
    },
    /// The app's policies run in other processes: this one does not know when they are done.
    #[error(
        "the policies are not run in this process, which cannot know when they are done: ask a process that runs them"
    )]
    NoPolicies,
    /// A policy cannot be resumed there, or is not stopped.
    #[error("policy `{policy}` is not resumed: {reason}")]
    NotResumed {
        /// The policy.
        policy: String,
        /// Why.
        reason: String,
    },
    /// A policy has stopped, and is not done.
    #[error("policy `{policy}` has stopped: {error}")]
    PolicyStopped {
        /// The policy.
        policy: String,
        /// Why.
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
    /// What kind of failure it is, in one word that does not change: for metrics, HTTP answers and exit codes.
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
            Self::PolicyStopped { .. } => "PolicyStopped",
            Self::ShutDown => "ShutDown",
            Self::Store(_) => "Store",
        }
    }
}

/// A name that nothing is served by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// `command`, `query`, `projection` or `policy`.
    pub what: &'static str,
    /// The name.
    pub name: String,
    /// The names that there are.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, name, known } = self;
        write!(f, "there is no {what} `{name}`")?;
        let near = known.iter().map(|known| (distance(known, name), known)).min();
        match near {
            Some((distance, near)) if distance <= 1 + name.chars().count() / 3 => write!(f, "; did you mean `{near}`?"),
            Some(_) => write!(f, "; there are {}", known.join(", ")),
            None => write!(f, "; this program serves none"),
        }
    }
}

/// How many letters have to be changed, added or taken away, upper and lower case being one.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_gets_the_nearest_and_a_strange_one_the_list() {
        let unknown = |name: &str| {
            UnknownName { what: "command", name: name.into(), known: vec!["CreateOrder", "ShipOrder"] }.to_string()
        };
        assert_eq!(unknown("createordr"), "there is no command `createordr`; did you mean `CreateOrder`?");
        assert_eq!(unknown("Fly"), "there is no command `Fly`; there are CreateOrder, ShipOrder");
    }

    #[test]
    fn distance_counts_single_letter_changes() {
        assert_eq!(distance("ship", "ship"), 0);
        assert_eq!(distance("ship", "Shop"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
